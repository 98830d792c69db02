"""The style of the page of a check. No file beside the page, so it is written into it; its hash stands in the policy
of the page, and no other style applies. Contrasts were chosen for WCAG 2.2 AA (4.5:1 and more) in both schemes."""

from __future__ import annotations

import base64
import hashlib

_LIGHT = """
  --paper: #ffffff; --ink: #1b1b1b; --quiet: #595959; --rule: #d3d3d0; --tint: #f6f6f4; --link: #1a4f8b;
  --bad: #9b1111; --bad-tint: #fdeceb; --good: #17602a; --good-tint: #e9f5ec; --note: #6b4700; --note-tint: #fdf5e2;
"""
_DARK = """
  --paper: #17181a; --ink: #e8e6e3; --quiet: #a8a8a5; --rule: #3d3f42; --tint: #202224; --link: #9cc3f0;
  --bad: #ff9d94; --bad-tint: #3a1917; --good: #8bd39a; --good-tint: #16301c; --note: #e8c069; --note-tint: #322710;
"""
STYLE = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }}
h1, h2, h3, h4 {{ line-height: 1.25; font-weight: 600; margin: 0; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.75rem; }}
h2 {{ font-size: 1.3rem; margin-top: 3rem; padding-top: .75rem; border-top: 2px solid var(--ink); }}
h3 {{ font-size: 1.05rem; }}
h4 {{ font-size: .875rem; color: var(--quiet); }}
p, ul, ol, dl {{ margin: .6rem 0; }}
ul, ol {{ padding-left: 1.4rem; }}
a {{ color: var(--link); text-underline-offset: .15em; }}
a:focus-visible, summary:focus-visible {{ outline: 2px solid var(--link); outline-offset: 2px; }}
.skip {{ position: absolute; left: -999rem; }}
.skip:focus {{ left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); }}
.result {{ font-size: 1.15rem; }}
.quiet {{ color: var(--quiet); }}
.bad {{ color: var(--bad); font-weight: 600; }}
.facts > div {{ display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: .15rem 0; }}
.facts dt {{ color: var(--quiet); }}
.facts dd {{ margin: 0; overflow-wrap: anywhere; }}
.facts.small {{ font-size: .875rem; }}
.hash, .ref, .address, .at {{ overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }}
.hash {{ font-family: ui-monospace, "Liberation Mono", Consolas, monospace; font-size: .92em; }}
.counts {{ list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; }}
.verdict {{ display: inline-block; padding: 0 .45em; border: 1px solid currentColor; border-radius: .2em;
  font-size: .875rem; font-weight: 600; line-height: 1.45; color: var(--quiet); overflow-wrap: anywhere; }}
.verdict.fits {{ color: var(--good); }}
.verdict.stop {{ color: var(--bad); background: var(--bad-tint); }}
.toc {{ list-style: none; padding: 0; }}
.toc li {{ padding: .3rem 0 .3rem 4.5rem; text-indent: -4.5rem; border-bottom: 1px solid var(--rule);
  overflow-wrap: anywhere; }}
.toc .at {{ display: inline-block; min-width: 4.1rem; text-indent: 0; }}
.toc.files li {{ padding-left: 0; text-indent: 0; }}
.toc .verdict, .toc bdi {{ text-indent: 0; }}
nav h3, .words-of h3 {{ margin-top: 1.5rem; }}
nav summary {{ cursor: pointer; margin-top: 1.5rem; font-weight: 600; }}
article {{ margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--rule); }}
article > h3 {{ display: flex; flex-wrap: wrap; gap: .3rem .75rem; align-items: baseline; }}
.at {{ font-weight: 600; }}
.signed {{ flex: 1 1 14rem; font-weight: 400; overflow-wrap: anywhere; }}
.day {{ display: inline-block; }}
.sides {{ display: grid; gap: 1rem; margin: .9rem 0; }}
.side {{ min-width: 0; }}
.words {{ margin: .3rem 0 0; padding: .7rem .9rem; background: var(--tint); border-inline-start: 3px solid var(--rule);
  font: 1.0625rem/1.65 Charter, "Iowan Old Style", Georgia, "Liberation Serif", "Times New Roman", serif;
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }}
.none {{ margin: .3rem 0 0; padding: .7rem .9rem; border: 1px dashed var(--rule); color: var(--quiet); }}
.out {{ color: var(--quiet); font-size: .875em; }}
del, ins {{ font-weight: 600; }}
del {{ color: var(--bad); background: var(--bad-tint); text-decoration: line-through 1.5px; }}
ins {{ color: var(--good); background: var(--good-tint); text-decoration: underline 2px; text-underline-offset: .2em; }}
.own {{ color: var(--note); background: var(--note-tint); text-decoration: underline dotted 2px;
  text-underline-offset: .2em; }}
.caret {{ color: var(--bad); }}
.caret::before {{ content: "\\2038"; font: 700 1.5em/0 "Liberation Sans", Arial, "DejaVu Sans", sans-serif; }}
.words [data-n]::after, .legend [data-n]::after {{ content: attr(data-n); font: 600 .65em/0 system-ui, sans-serif;
  vertical-align: super; padding-inline: .1em; display: inline-block; text-decoration: none; }}
.char {{ border: 1px solid currentColor; border-radius: .15em; padding: 0 .15em; margin: 0 .1em;
  font: .7em/1 ui-monospace, monospace; white-space: nowrap; unicode-bidi: isolate; }}
.legend {{ margin-top: 2.5rem; padding: .9rem 1.1rem; border: 1px solid var(--rule); break-inside: avoid; }}
.legend h2 {{ margin: 0 0 .4rem; padding: 0; border: 0; font-size: 1.05rem; }}
.legend dl {{ font-size: .9375rem; margin-bottom: 0; }}
.legend .facts > div {{ grid-template-columns: 6.75rem 1fr; gap: 0 .75rem; align-items: baseline; }}
.legend .facts dt {{ color: inherit;
  font: 1.0625rem/1.5 Charter, "Iowan Old Style", Georgia, "Liberation Serif", "Times New Roman", serif; }}
.changes li {{ padding: .1rem 0; overflow-wrap: anywhere; }}
.warnings {{ list-style: none; padding: .5rem .9rem; background: var(--note-tint); color: var(--note);
  border-inline-start: 3px solid currentColor; }}
.code {{ font-size: .875em; color: var(--quiet); }}
.warnings .code {{ color: inherit; }}
.notes {{ list-style: none; padding: 0; }}
.more li {{ padding: .35rem 0; overflow-wrap: anywhere; }}
.sr {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  user-select: none; -webkit-user-select: none; }}
@media (min-width: 48rem) {{ .sides {{ grid-template-columns: 1fr 1fr; gap: 1.25rem; }} }}
@media (max-width: 30rem) {{ body {{ padding: 1.25rem .9rem 3rem; }} h1 {{ font-size: 1.4rem; }}
  .facts > div {{ grid-template-columns: 1fr; padding: .3rem 0; }} }}
@media print {{
  @page {{ size: A4; margin: 18mm 16mm; }}
  :root {{ color-scheme: light; {_LIGHT} }}
  html {{ font-size: 9.5pt; }}
  body {{ max-width: none; padding: 0; }}
  .sides {{ grid-template-columns: 1fr 1fr; gap: 5mm; }}
  h2, h3, h4 {{ break-after: avoid; }}
  .words, .changes li, .facts > div, .warnings {{ break-inside: avoid; }}
  .skip {{ display: none; }}
  a {{ color: inherit; text-decoration: none; }}
  del, ins, .own, .words, .warnings {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
}}
"""

STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode('utf-8')).digest()).decode('ascii')}'"
"""The only style that the policy of the page (Content Security Policy Level 3) lets apply."""
