// What looking.py asks of a page. It is there before the page's own scripts, and changes nothing on the page.
(() => {
  const shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      shifts.push({ by: entry.value, what: entry.sources.map((one) => one.node?.nodeName + "." + (one.node?.className ?? "")) });
    }
  }).observe({ type: "layout-shift", buffered: true });

  const called = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""}`;
  const told = (e) => `${e.tagName.toLowerCase()} ${(e.textContent || e.name || "").trim().slice(0, 50)}`;

  // Text that leaves its box, and boxes that leave the page. What scrolls or is cut on purpose is left alone, and so is
  // the space that hangs behind a line.
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
        if (rect.width && (rect.right > bounds.right + 6 || rect.left < bounds.left - 6)) {
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

  // In a drawing the focus may be a line around the shape that is inside the link.
  function strokes(e) {
    if (!e.ownerSVGElement) return false;
    const seen = () => [...e.querySelectorAll("*")].map((one) => {
      const { stroke, strokeWidth, outlineStyle, fill } = getComputedStyle(one);
      return [stroke, strokeWidth, outlineStyle, fill].join();
    }).join(";");
    const now = seen();
    e.blur();
    const before = seen();
    e.focus({ focusVisible: true });
    return now !== before;
  }

  function focused() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const marked = style.outlineStyle !== "none" || style.boxShadow !== "none" || strokes(e);
    return { at: stops.indexOf(e), seen: marked && box.width > 0 && box.height > 0, name: told(e) };
  }

  window.qcLook = {
    overflow, focusable, focused,
    named: (at) => told(stops[at]),
    shifted: () => [shifts.reduce((sum, one) => sum + one.by, 0), shifts.flatMap((one) => one.what).slice(0, 5).join(" ")],
    size: () => [document.documentElement.clientWidth, document.documentElement.scrollHeight],
    settled: () => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => done(true))); }),
  };
})();
