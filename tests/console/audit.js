// What is wrong with the page that is shown, as a list of sentences; given to the browser by test_every_page.py.
() => {
  const faults = [];
  const told = (element) => {
    const name = element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "");
    const text = (element.getAttribute("name") || element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 50);
    return `<${name} class="${element.getAttribute("class") || ""}"> ${JSON.stringify(text)}`;
  };
  const seen = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && element.getClientRects().length > 0;

  // headings
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(seen);
  const first = headings.filter((each) => each.tagName === "H1").length;
  if (first !== 1) faults.push(`${first} headings of the first level`);
  let level = 0;
  for (const each of headings) {
    const own = Number(each.tagName[1]);
    if (own > level + 1) faults.push(`${told(each)} comes after a heading of level ${level}`);
    level = own;
  }

  // names of fields, buttons and links
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) faults.push(`the id ${id} is there twice`);
  const named = (each) => each.getAttribute("aria-label") || each.getAttribute("aria-labelledby");
  for (const each of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const labels = [...(each.labels || [])].map((label) => label.textContent.trim()).join("");
    if (!labels && !named(each)) faults.push(`${told(each)} has no label`);
  }
  for (const each of document.querySelectorAll("button, a[href], summary")) {
    const alt = [...each.querySelectorAll("img")].map((image) => image.alt).join("");
    if (!each.textContent.trim() && !alt && !named(each)) faults.push(`${told(each)} has no name`);
  }
  for (const each of document.querySelectorAll("img:not([alt])")) faults.push(`${told(each)} has no alt`);

  // what moves by htmx is there without scripts as well
  for (const each of document.querySelectorAll("[hx-get], [hx-post], [hx-put], [hx-delete]")) {
    const form = each.closest("form");
    const sends = form && form.querySelector("button:not([type=button]), input[type=submit]");
    const link = each.matches("a[href]") || each.querySelector("a[href], noscript") || document.querySelector("noscript");
    if (!sends && !link) faults.push(`${told(each)} does nothing without scripts`);
  }
  for (const form of document.querySelectorAll("form")) {
    const own = [...form.elements].some((each) => each.matches("button:not([type=button]), input[type=submit]"));
    if (!own) faults.push(`${told(form)} cannot be sent without scripts`);
    if (form.method === "post" && !form.querySelector("input[name=csrf]")) faults.push(`${told(form)} has no token`);
  }

  // contrast of text with what is behind it
  const parsed = (colour) => {
    const numbers = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(") ? [...numbers.slice(0, 3).map((each) => each * 255), numbers[3] ?? 1] : [...numbers.slice(0, 3), numbers[3] ?? 1];
  };
  const over = (above, below) => above.slice(0, 3).map((each, place) => each * above[3] + below[place] * (1 - above[3]));
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parsed(getComputedStyle(each).backgroundColor));
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return layers.reverse().reduce((below, above) => over(above, below), dark ? [18, 18, 18] : [255, 255, 255]);
  };
  const light = (colour) => {
    const [red, green, blue] = colour.map((each) => (each / 255 <= 0.03928 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const looked = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || looked.has(element) || element.closest("svg, option, noscript, script, :disabled")) continue;
    looked.add(element);
    if (!seen(element)) continue;
    const ground = behind(element);
    const [one, other] = [light(over(parsed(getComputedStyle(element).color), ground)), light(ground)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faults.push(`${told(element)} has a contrast of ${contrast.toFixed(2)}`);
  }

  // where one is when going by the keyboard
  const kinds = new Set();
  for (const each of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
    const kind = `${each.tagName} ${each.type || ""} ${each.getAttribute("class") || ""} ${each.parentElement.tagName}`;
    if (kinds.has(kind) || !seen(each) || each.disabled || each.closest("svg")) continue;
    kinds.add(kind);
    each.focus({ focusVisible: true, preventScroll: true });
    const style = getComputedStyle(each);
    if (document.activeElement === each && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) {
      faults.push(`${told(each)} does not show that it is focused`);
    }
  }
  document.activeElement.blur();

  // the page itself is never scrolled sideways
  if (document.documentElement.scrollWidth > window.innerWidth) {
    const scrolled = (each) => each && (["auto", "scroll", "hidden"].includes(getComputedStyle(each).overflowX) || scrolled(each.parentElement));
    const wide = [...document.querySelectorAll("main *, header *")].filter((each) => seen(each) && !scrolled(each.parentElement) && each.getBoundingClientRect().right > window.innerWidth + 1);
    faults.push(`it is ${document.documentElement.scrollWidth} wide in ${window.innerWidth}: ${wide.slice(0, 3).map(told).join("; ")}`);
  }
  return faults;
}
