// Adds a row for a dimension without a round trip. Without this script, the same button gets the form back with more rows.
"use strict";
const more = document.getElementById("more");
const rows = document.getElementById("rows");
if (more && rows && rows.lastElementChild) {
  more.addEventListener("click", (event) => {
    event.preventDefault();
    const next = rows.children.length;
    const row = rows.lastElementChild.cloneNode(true);
    row.querySelector("legend").textContent = `Dimension ${next + 1}`;
    for (const gone of row.querySelectorAll(".remove, .problem")) gone.remove();
    for (const label of row.querySelectorAll("label")) label.htmlFor = label.htmlFor.replace(/^d\d+-/, `d${next}-`);
    for (const field of row.querySelectorAll("input, select")) {
      field.id = field.id.replace(/^d\d+-/, `d${next}-`);
      field.name = field.name.replace(/^d\d+\./, `d${next}.`);
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
      if (field.tagName === "SELECT") field.selectedIndex = 0;
      else field.value = "";
    }
    rows.append(row);
    row.querySelector("input").focus();
  });
}
