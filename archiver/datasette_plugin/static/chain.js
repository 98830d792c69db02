// Shows the thing that the page is about first, where the graph is wider than the screen.
for (const box of document.querySelectorAll(".qc-graph-box")) {
  const start = box.querySelector(".qc-node-start rect");
  if (start) box.scrollLeft = start.x.baseVal.value + start.width.baseVal.value / 2 - box.clientWidth / 2;
}
