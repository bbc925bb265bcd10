// Signing in: what is typed goes to the console once, and stays nowhere on the page.

import { wrong as filledInWrongly } from "./checking.js";
import { find, say } from "./dom.js";

const form = find("#sign-in");
const wrong = find("#wrong");

// Until now the form could only have sent what was typed as browsers do.
find("button", form).disabled = false;

async function signIn() {
  const address = new URL("/api/sign-in", location.origin);
  address.searchParams.set("lang", document.documentElement.lang);
  const answer = await fetch(address, {
    method: "POST",
    cache: "no-store",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: form.elements.username.value.trim(), password: form.elements.password.value }),
  });
  if (answer.ok) return "";
  const said = await answer.json().catch(() => null);
  return typeof said?.detail === "string" ? said.detail : form.dataset.failed;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = find("button", form);
  const unfilled = filledInWrongly(form);
  say(wrong, unfilled);
  wrong.hidden = !unfilled;
  if (unfilled) return;
  button.disabled = true;
  const problem = await signIn().catch(() => form.dataset.failed);
  form.elements.password.value = "";
  button.disabled = false;
  if (!problem) {
    location.replace("/");
    return;
  }
  say(wrong, problem);
  wrong.hidden = false;
  find("#note").hidden = true;
  form.elements.password.focus();
});
