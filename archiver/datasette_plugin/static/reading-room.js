// Comforts that a page works without: local times on hover, and buttons that copy.
document.documentElement.lang ||= "en"; // Datasette 0.65 leaves it out
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.valueOf())) time.title ||= `${moment.toLocaleString()} (local time)`;
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
// Datasette closes every open <details> beside a click, as it wants its menus: what stands in a page stays as it was.
let unfolded = [];
document.addEventListener("click", () => { unfolded = [...document.querySelectorAll("main details[open], .qc-made details[open]")]; }, true);
document.addEventListener("click", () => { for (const details of unfolded) details.open = true; });
