// Makes elements. Every text goes in as text, never as markup: peers have a part in some of them.

/** An element with attributes and children. Children are elements or texts; what is null is left out. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** As `make`, of a drawing. */
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets a text where it isn't that already, so that nothing is read out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

/**
 * A table. `columns` are {title, number, bare}, bare ones being plain without their title; `rows` are
 * {key, cells, attributes}, whose first cell names the row. Roles are written out, since on narrow screens rows
 * are drawn as cards.
 */
export function table(caption, columns, rows, attributes = {}) {
  const head = columns.map((column) =>
    make("th", { role: "columnheader", scope: "col", class: column.number ? "number" : null }, column.title));
  const body = rows.map((row) => {
    const cells = row.cells.map((cell, place) => {
      const column = columns[place];
      const classes = column.number ? "number" : null;
      return place === 0
        ? make("th", { role: "rowheader", scope: "row" }, cell)
        : make("td", { role: "cell", class: classes, "data-title": column.bare ? null : column.title }, make("span", {}, cell));
    });
    return make("tr", { role: "row", "data-key": row.key, ...row.attributes }, cells);
  });
  return make("div", { class: "panel" },
    make("table", { role: "table", ...attributes, class: `cards ${attributes.class ?? ""}` },
      make("caption", {}, caption),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, head)),
      make("tbody", { role: "rowgroup" }, body)));
}

/**
 * Puts `fresh` in the place of what `place` holds, unless both are the same. Focus stays with the control of
 * the same `data-focus`, what was scrolled stays scrolled, and what was open stays open.
 */
export function replace(place, ...fresh) {
  const now = fresh.flat().filter(Boolean);
  const same = place.childNodes.length === now.length
    && now.every((node, index) => node.isEqualNode(place.childNodes[index]));
  if (same) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  const scrolled = remembered(place, "data-scroll", (element) => element.scrollLeft);
  const open = remembered(place, "data-open", (element) => element.open);
  place.replaceChildren(...now);
  for (const element of place.querySelectorAll("[data-scroll]")) {
    const left = scrolled.get(element.dataset.scroll);
    if (left !== undefined) element.scrollLeft = left;
  }
  for (const element of place.querySelectorAll("[data-open]")) {
    if (open.get(element.dataset.open)) element.open = true;
  }
  if (focused) place.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function remembered(place, attribute, read) {
  const found = [...place.querySelectorAll(`[${attribute}]`)];
  return new Map(found.map((element) => [element.getAttribute(attribute), read(element)]));
}

/** A place that is empty for now, and what to do about it. */
export function empty(title, ...advice) {
  return make("div", { class: "empty" }, make("p", { class: "empty-title" }, title),
    advice.map((text) => make("p", {}, text)));
}
