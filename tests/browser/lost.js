// What a page does not show whole, each by its beginning: what makes it scroll sideways, text that its box cuts off, text
// beyond the edge, text that lies on other text. What is meant for screen readers alone is not looked at.
() => {
  const hasText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
  const isMeantForEyes = (element) =>
    element.checkVisibility({ visibilityProperty: true }) &&
    !element.closest(".skip") &&
    getComputedStyle(element).clipPath === "none" &&
    (!element.parentElement || isMeantForEyes(element.parentElement));
  const isCut = (element) =>
    getComputedStyle(element).overflow !== "visible" &&
    (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
  const linesOf = (element) =>
    [...element.childNodes].filter(hasText).flatMap((node) => {
      const range = document.createRange();
      range.selectNodeContents(node);
      return [...range.getClientRects()].filter((box) => box.width > 1).map((box) => ({ element, box }));
    });
  // What stays in sight lies on what scrolls by, and that comes out again.
  const stays = (element) =>
    element !== null && (getComputedStyle(element).position === "sticky" || stays(element.parentElement));
  const shared = (start, end, one, other) => Math.min(one[end], other[end]) - Math.max(one[start], other[start]);
  const isOver = (one, other) =>
    shared("left", "right", one, other) > 2 &&
    shared("top", "bottom", one, other) > Math.min(one.height, other.height) / 2;

  const root = document.documentElement;
  const texts = [...document.querySelectorAll("body *")]
    .filter((element) => [...element.childNodes].some(hasText) && isMeantForEyes(element));
  const lines = texts.flatMap(linesOf);
  const beyond = lines.filter(({ box }) => box.left < -1 || box.right > root.clientWidth + 1);
  const covered = lines.filter(({ element, box }, place) =>
    lines.slice(place + 1).some((next) =>
      next.element !== element && isOver(box, next.box) && stays(next.element) === stays(element)));
  const told = (what, element) => `${what}: ${element.textContent.trim().slice(0, 60)}`;
  return [
    ...(root.scrollWidth > root.clientWidth ? [`scrolls sideways: ${root.scrollWidth}`] : []),
    ...texts.filter(isCut).map((element) => told("cut", element)),
    ...beyond.map(({ element }) => told("beyond the edge", element)),
    ...covered.map(({ element }) => told("covered", element)),
  ];
}
