// Dialogs that ask before something is done, say what came of it, and forget what was typed.

import { wrong } from "./checking.js";
import { all, find, say } from "./dom.js";

function reset(dialog) {
  const form = find("form", dialog);
  form.reset();
  for (const each of all("[aria-invalid]", form)) each.removeAttribute("aria-invalid");
  for (const each of all(".failed, .done-text, .erased, .held-note", dialog)) each.hidden = true;
  for (const each of all(".filling", dialog)) each.hidden = false;
  const submit = find("[type=submit]", dialog);
  submit.hidden = false;
  submit.disabled = false;
  const cancel = find(".cancel", dialog);
  cancel.dataset.cancel ??= cancel.textContent;
  say(cancel, cancel.dataset.cancel);
}

/**
 * Make a dialog out of the page's: `act(values, subject)` does what was asked, and throws what is to be said when it
 * cannot; `done(answer, dialog)` says what came of it, and returns true to close the dialog. `prepare(dialog, more)`
 * fills it in.
 */
export function dialog(selector, act, done, prepare = () => {}) {
  const found = find(selector);
  if (!found) return () => {};
  const form = find("form", found);
  let subject = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = find("[type=submit]", form);
    if (submit.hidden || submit.disabled) return;
    const failed = find(".failed", form);
    const problem = wrong(form);
    say(failed, problem);
    failed.hidden = !problem;
    if (problem) return;
    submit.disabled = true;
    try {
      const answer = await act(Object.fromEntries(new FormData(form)), subject);
      if (done(answer, found, subject)) found.close();
      else finished(found);
    } catch (error) {
      say(failed, error.message);
      failed.hidden = false;
    } finally {
      submit.disabled = false;
    }
  });
  find(".cancel", form).addEventListener("click", () => found.close());
  found.addEventListener("close", () => reset(found));

  return (about, more) => {
    subject = about;
    reset(found);
    prepare(found, more);
    found.showModal();
  };
}

function finished(found) {
  for (const each of all(".filling", found)) each.hidden = true;
  find("[type=submit]", found).hidden = true;
  const cancel = find(".cancel", found);
  say(cancel, cancel.dataset.close);
  cancel.focus();
}
