// What is filled in wrongly, said in the page's own words and in its language, beside the button and not over it.

import { all, fill } from "./dom.js";

const words = document.body.dataset;

function problem(field) {
  const what = field.labels?.[0]?.textContent.trim() ?? "";
  const { validity } = field;
  if (field.type === "checkbox") return fill(words.check, { what });
  if (validity.valueMissing) return fill(words.missing, { what });
  if (validity.tooShort) return fill(words.short, { what, least: field.minLength });
  return field.dataset.wrong ?? fill(words.wrong, { what });
}

/** Say what is wrong with the first field that is, and take whoever fills it in there; empty: nothing is. */
export function wrong(form) {
  for (const field of all("input, select, textarea", form)) field.removeAttribute("aria-invalid");
  const first = all("input, select, textarea", form).find((field) => !field.validity.valid);
  if (!first) return "";
  first.setAttribute("aria-invalid", "true");
  first.focus();
  return problem(first);
}
