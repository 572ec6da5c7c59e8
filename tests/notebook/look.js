// Says how the page looks, in an element that can be read from outside.
const errors = [];
addEventListener("error", (event) => errors.push(event.message));

const channels = (color) => color.match(/[\d.]+/g).map(Number);

function luminance([red, green, blue]) {
  const parts = [red, green, blue].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}

function background(element) {
  for (let each = element; each; each = each.parentElement) {
    const color = channels(getComputedStyle(each).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
}

function opacity(element) {
  let seen = 1;
  for (let each = element; each; each = each.parentElement) seen *= getComputedStyle(each).opacity;
  return seen;
}

// The contrast of a text, as https://www.w3.org/TR/WCAG22/#contrast-minimum defines it.
function contrast(element) {
  const [behind, share] = [background(element), opacity(element)];
  const color = channels(getComputedStyle(element).color);
  const mixed = [0, 1, 2].map((i) => color[i] * share + behind[i] * (1 - share));
  const [dark, light] = [luminance(mixed), luminance(behind)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const hasText = (element) =>
  [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

function looked(block) {
  const texts = [...block.querySelectorAll("*")].filter(
    (each) => each.tagName !== "STYLE" && hasText(each)
  );
  return {
    text: block.innerText,
    scrolls: block.scrollWidth > block.clientWidth + 1,
    left: [...block.querySelectorAll("td, th")].every(
      (cell) => getComputedStyle(cell).textAlign === "left"
    ),
    fonts: [...block.querySelectorAll("pre")].map((each) => getComputedStyle(each).fontFamily),
    contrast: Math.min(...texts.map(contrast)),
    tables: [...block.querySelectorAll("table")].map((table) =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))
    ),
  };
}

addEventListener("load", () => {
  const root = document.documentElement;
  const report = document.createElement("pre");
  const found = {
    errors,
    width: root.clientWidth,
    needed: root.scrollWidth,
    height: Math.ceil(document.querySelector("main").lastElementChild.getBoundingClientRect().bottom),
    scripts: document.querySelectorAll(".matrixinfer script, .matrixinfer img").length,
    blocks: [...document.querySelectorAll(".jp-OutputArea-output > .matrixinfer")].map(looked),
  };
  report.id = "look";
  report.style.display = "none";
  report.textContent = JSON.stringify(found);
  document.body.append(report);
});
