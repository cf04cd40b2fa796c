"""What every page of ours promises, measured in the browser."""

from __future__ import annotations

from typing import Any


def assert_fits(page: Any) -> None:
    """Nothing is wider than the screen, in the page or in what scrolls in it."""
    wide = "e => e.scrollWidth > innerWidth && getComputedStyle(e).overflowX !== 'auto'"
    assert page.evaluate(f"[...document.querySelectorAll('main, #scroll')].filter({wide}).length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


CONTRAST = """selector => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour, under = [255, 255, 255]) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b].map((value, at) => value * a / 255 + under[at] * (1 - a / 255));
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return rgb(colour);
    }
    return [255, 255, 255];
  };
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  return [...document.querySelectorAll(selector)].filter(e => e.offsetParent && e.innerText.trim()).map(e => {
    const back = behind(e), front = rgb(getComputedStyle(e).color, back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    return [e.innerText.trim().slice(0, 30), Math.round((a + .05) / (b + .05) * 100) / 100];
  });
}"""


def assert_readable(page: Any, selector: str) -> None:
    """WCAG AA: 4.5 to 1 for every text."""
    measured = page.evaluate(CONTRAST, selector)
    assert measured
    pale = [entry for entry in measured if entry[1] < 4.5]
    assert not pale, pale


def assert_named(page: Any) -> None:
    """A screen reader can name every button, link and field."""
    script = """() => [...document.querySelectorAll('button, a, select, textarea, input:not([type=hidden])')]
      .filter(e => e.offsetParent)
      .filter(e => ![e.textContent, e.getAttribute('aria-label'), e.title].some(t => (t || '').trim()) && !e.labels?.length)
      .map(e => e.outerHTML.slice(0, 120))"""
    unnamed = page.evaluate(script)
    assert not unnamed, unnamed
