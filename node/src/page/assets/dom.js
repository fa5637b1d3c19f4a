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
 * Has `place` hold what `fresh` is like. Elements that are there stay there and are changed as far as they
 * differ, those of one `data-key` by that: so focus, what is scrolled, and a click under way aren't lost.
 */
export function replace(place, ...fresh) {
  become(place, fresh.flat().filter(Boolean));
}

function become(place, fresh) {
  let at = place.firstChild;
  for (const wanted of fresh) {
    const found = fitting(at, wanted);
    if (found === null) {
      place.insertBefore(wanted, at);
      continue;
    }
    // Those before it that aren't wanted any more.
    while (at !== found) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    at = found.nextSibling;
    change(found, wanted);
  }
  while (at !== null) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

/** The node from `at` on that is to become `wanted`: of its key, or the next one if it has none. */
function fitting(at, wanted) {
  const key = keyOf(wanted);
  if (key === null) return at !== null && at.nodeName === wanted.nodeName && keyOf(at) === null ? at : null;
  for (let node = at; node !== null; node = node.nextSibling) {
    if (node.nodeName === wanted.nodeName && keyOf(node) === key) return node;
  }
  return null;
}

const keyOf = (node) => node.dataset?.key ?? null;

function change(node, wanted) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.data !== wanted.data) node.data = wanted.data;
    return;
  }
  for (const { name } of [...node.attributes]) {
    if (!wanted.hasAttribute(name)) node.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  become(node, [...wanted.childNodes]);
}

/** A command, or a part of one. */
export const code = (text) => make("code", {}, text);

/** A place that is empty for now, and what to do about it: each advice a text, or several texts and elements. */
export function empty(title, ...advice) {
  return make("div", { class: "empty" }, make("p", { class: "empty-title" }, title),
    advice.map((words) => make("p", {}, words)));
}
