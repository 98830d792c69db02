// What looking.py asks of a page. It is there before the page's own scripts, and changes nothing on the page.
(() => {
  const shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts.push(entry.value);
  }).observe({ type: "layout-shift", buffered: true });

  const called = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""}`;
  const told = (e) => `${e.tagName.toLowerCase()} ${(e.textContent || e.name || "").trim().slice(0, 50)}`;

  // Text that leaves its box, and boxes that leave the page. What scrolls or is cut on purpose is left alone.
  function overflow() {
    const found = [];
    const wide = document.documentElement.scrollWidth - window.innerWidth;
    if (wide > 0) {
      const across = [...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1).map(called);
      found.push(`the page is ${wide} px too wide: ${across.slice(0, 6).join(" ")}`);
    }
    const walker = document.createTreeWalker(document.querySelector("main") || document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && found.length < 8; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || !parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      if (parent.closest(".qc-sr, script, style, title, desc, option, textarea")) continue;
      const drawn = parent.closest("svg");
      let box = drawn || parent;
      while (!drawn && /^(inline|contents)$/.test(getComputedStyle(box).display)) box = box.parentElement;
      const style = getComputedStyle(box);
      if (!drawn && (/auto|scroll|hidden|clip/.test(style.overflowX) || style.clipPath !== "none")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const bounds = box.getBoundingClientRect();
      for (const rect of range.getClientRects()) {
        if (rect.width && (rect.right > bounds.right + 2 || rect.left < bounds.left - 2)) {
          found.push(`text leaves its ${called(box)}: ${node.data.trim().slice(0, 60)}`);
          break;
        }
      }
    }
    return found;
  }

  // Everything that the tab key should stop at, in the order of the page.
  let stops = [];
  function focusable() {
    const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, video[controls], audio[controls]";
    const chosen = (e) => document.querySelector(`input[type=radio][name="${CSS.escape(e.name)}"]:checked`);
    stops = [...document.querySelectorAll(`${usable}, [tabindex]:not([tabindex="-1"])`)].filter((e) =>
      !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true })
      && !(e.tagName === "SUMMARY" && e !== e.parentElement.querySelector(":scope > summary"))
      && !(e.type === "radio" && chosen(e) && !e.checked));
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    return stops.length;
  }

  function focused() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return { at: stops.indexOf(e), seen: marked && box.width > 0 && box.height > 0, name: told(e) };
  }

  window.qcLook = {
    overflow, focusable, focused,
    named: (at) => told(stops[at]),
    shifted: () => shifts.reduce((sum, one) => sum + one, 0),
    size: () => [document.documentElement.clientWidth, document.documentElement.scrollHeight],
    settled: () => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => done(true))); }),
  };
})();
