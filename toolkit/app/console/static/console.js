// What the pages need of a script beside htmx: copying, and times in the reader's zone. All works without it.
"use strict";

const local = (at) => at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function dress(root) {
  for (const button of root.querySelectorAll("button.copy[data-copy]")) {
    button.hidden = false;
  }
  // an option holds text alone: the moment at its head is written in the reader's zone as well
  for (const option of root.querySelectorAll("option[data-moment]")) {
    const at = new Date(option.dataset.moment);
    option.removeAttribute("data-moment");
    if (!Number.isNaN(at.valueOf())) option.text = option.text.trim().replace(/^[\d-]+ [\d:]+ UTC/, local(at));
  }
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf()) && !time.title) {
      time.title = time.textContent;
      time.textContent = local(at);
    }
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // without the permission the text is marked, for Ctrl-C
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    button.textContent = "Marked: press Ctrl-C";
  }
  setTimeout(() => (button.textContent = "Copy"), 3000);
});

// what is chosen inside of something chooses that as well; choosing all clears what was ticked
document.addEventListener("input", (event) => {
  const input = event.target;
  const chooser = document.getElementById(input.closest("[data-chosen-by]")?.dataset.chosenBy);
  if (chooser && chooser !== input && (input.type === "checkbox" ? input.checked : input.value)) chooser.checked = true;
  for (const each of document.getElementById(input.dataset.clears)?.querySelectorAll("input:checked") ?? []) {
    each.checked = false;
  }
});

// what was filled in before this script was there, by a quick hand or by a browser that goes back, is taken up now
function differs(field) {
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.type === "radio") return field.checked && !field.defaultChecked;
  if (field.type !== "select-one") return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
}

window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("input:not([type=file]), select, textarea")) {
    if (!differs(field)) continue;
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
  }
});

// what is chosen while an answer is on its way stays: the answer has what was chosen when it was asked for
const choices = (part) => part.closest("form")?.querySelectorAll("input:is([type=checkbox], [type=radio])") ?? [];
const choice = (each) => `${each.name}=${each.value}`;
let chosen = new Map();
document.addEventListener("htmx:beforeSwap", (event) => {
  chosen = new Map([...choices(event.detail.target)].map((each) => [choice(each), each.checked]));
});
document.addEventListener("htmx:afterSwap", (event) => {
  const lost = [...choices(event.target)].filter((each) => (chosen.get(choice(each)) ?? each.checked) !== each.checked);
  for (const each of lost) each.checked = chosen.get(choice(each));
  if (lost.length) event.target.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("htmx:afterSettle", (event) => dress(event.target));
document.addEventListener("DOMContentLoaded", () => dress(document));

// whoever was in a part of the page that is taken away for a new one goes on in the page, not before its menu
let within = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  // what one has waited for is read from its head on: nobody who has gone elsewhere in the page is taken away from there
  const waited = event.detail.target.id === "state" && document.activeElement === document.body;
  within = waited || (event.detail.target.contains(document.activeElement) && document.activeElement !== document.body);
});
document.addEventListener("htmx:afterSettle", () => {
  if (within && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
  within = false;
});

// a double click does once what a click does
let pressed = { button: null, at: 0 };
document.addEventListener("submit", (event) => {
  const again = event.submitter && event.submitter === pressed.button && event.timeStamp - pressed.at < 1500;
  if (again) event.preventDefault();
  else pressed = { button: event.submitter, at: event.timeStamp };
});
