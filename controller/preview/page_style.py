"""How the page looks: one column on a phone, a week a row on a screen and in print, dark ink on white paper."""

STYLE = """
:root{--ink:#161616;--soft:#5b5f6b;--line:#d9dce3;--paper:#fff;--one:#cfd8f5;--two:#9fb2ea;--three:#6a86dd;
--four:#3558c4;--five:#1b2f80;--event:#b3400f}
*{box-sizing:border-box;print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{margin:0 auto;padding:1rem;max-width:80rem;background:var(--paper);color:var(--ink);
font:16px/1.45 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{margin:0;font-size:1.7rem;line-height:1.2}h1 small{color:var(--soft);font-weight:400;font-size:1rem}
h2{margin:1.6rem 0 .6rem;font-size:1.1rem}h3{margin:0;font-size:1rem}
.brand{margin:0;color:var(--four);font-weight:700;letter-spacing:.04em}
[lang=en]{display:block;color:var(--soft);font-size:.82rem;font-weight:400}
.span{margin:.3rem 0 1rem}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;margin:0 0 1rem}
.figures div{flex:1 1 14rem;border:1px solid var(--line);border-left:4px solid var(--four);border-radius:6px;
padding:.5rem .8rem}
.figures dt{color:var(--soft);font-size:.9rem}.figures dd{margin:0;font-size:1.25rem;font-weight:700}
.more{display:block;color:var(--soft);font-size:.85rem;font-weight:400}
.legend{color:var(--soft);font-size:.9rem;max-width:60rem}.legend b{color:var(--ink)}
.days{display:grid;gap:.5rem}
.day{border:1px solid var(--line);border-radius:6px;padding:.5rem .6rem;grid-column:1!important;break-inside:avoid}
.day.Vacation,.day.PublicHoliday,.day.Saturday,.day.Sunday{background:#f4f5f8}
.day.FirstDayBack,.day.LastDayBefore{border-top:3px solid var(--three)}
.kind{margin:0 0 .3rem;color:var(--soft);font-size:.88rem}
.tag{display:inline-block;vertical-align:middle;background:var(--event);color:#fff;
border-radius:3px;padding:0 .35rem;font-size:.72rem;
font-weight:600;line-height:1.5}
svg{display:block;width:100%;height:2.6rem;border-bottom:1px solid var(--ink);background:
repeating-linear-gradient(90deg,var(--line) 0 1px,transparent 1px 25%)}
.l1{fill:var(--one)}.l2{fill:var(--two)}.l3{fill:var(--three)}.l4{fill:var(--four)}.l5{fill:var(--five)}
.hours{display:flex;justify-content:space-between;color:var(--soft);font-size:.68rem}
ul{list-style:none;margin:.4rem 0 0;padding:0}
.day li{padding:.25rem 0;border-top:1px solid var(--line);font-size:.86rem}
.day li>b:first-child{font-variant-numeric:tabular-nums}
.event{border-left:3px solid var(--event);padding-left:.4rem!important}
.rate,.count{white-space:nowrap}.rate{color:var(--soft)}.count{float:right;font-weight:600}
.short{display:block;color:var(--event)}
.none{margin:.4rem 0 0;color:var(--soft);font-size:.86rem}
footer{margin-top:1.5rem;border-top:1px solid var(--line);font-size:.9rem}
main+main{margin-top:3rem;padding-top:1rem;border-top:3px solid var(--ink)}
@media(min-width:60rem){.days{grid-template-columns:repeat(7,1fr)}.day{grid-column:auto!important}
.week .day:first-child{grid-column:var(--first,auto)!important}.count{float:none;display:block}}
@media print{@page{size:A4 landscape;margin:10mm}body{padding:0;max-width:none;font-size:10px}
.days{grid-template-columns:repeat(7,1fr);gap:3px}.day{grid-column:auto!important;padding:3px}
.week .day:first-child{grid-column:var(--first,auto)!important}
.day li{font-size:8px;padding:1px 0}.count{float:none;display:block}h2{margin:.6rem 0 .2rem}
main+main{break-before:page;border:0}}
"""
