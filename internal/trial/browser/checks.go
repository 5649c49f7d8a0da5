// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package browser

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
)

// HardToRead returns the texts of the page whose contrast is below the minimum of
// WCAG, 4.5 to 1.
func (tab *Tab) HardToRead() []string { tab.t.Helper(); return tab.styled(lowContrast) }

// TooWide returns the elements that extend beyond the width of the page, so that it
// scrolls.
func (tab *Tab) TooWide() []string { tab.t.Helper(); return tab.styled(tooWide) }

// styled evaluates an expression once the page has its style.
func (tab *Tab) styled(expression string) []string {
	tab.t.Helper()
	tab.drawn()
	return Eval[[]string](tab, expression)
}

// Nameless returns the fields, buttons and links that a screen reader can't name.
func (tab *Tab) Nameless() []string { tab.t.Helper(); return Eval[[]string](tab, nameless) }

const nameless = `Array.from(document.querySelectorAll("input:not([type=hidden]), select, button, a"))
  .filter(e => !e.textContent.trim() && !(e.labels && e.labels.length) && !e.getAttribute("aria-label")).map(e => e.outerHTML.slice(0, 80))`

const lowContrast = `(() => {
  const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!Array.from(e.childNodes).some(n => n.nodeType === 3 && n.textContent.trim()) || !e.offsetParent) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.textContent.trim().slice(0, 60) + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return bad;
})()`

const tooWide = `document.documentElement.scrollWidth <= innerWidth ? [] : Array.from(document.querySelectorAll("body *")).filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 80))`

// Small returns the upper part of a PNG, with a height in pixels, or all of it if
// height is 0. The result has only the 256 most frequent colours, which makes it much
// smaller.
func Small(picture []byte, height int) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	often := map[color.RGBA]int{}
	bounds := decoded.Bounds()
	if height > 0 {
		bounds.Max.Y = min(bounds.Max.Y, height)
	}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(decoded.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			often[at(x, y)]++
		}
	}
	kept := slices.SortedFunc(maps.Keys(often), func(a, b color.RGBA) int { return often[b] - often[a] })
	palette := make(color.Palette, 0, 256)
	for _, c := range kept[:min(len(kept), 256)] {
		palette = append(palette, c)
	}
	small, nearest := image.NewPaletted(bounds, palette), map[color.RGBA]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			index, known := nearest[c]
			if !known {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			small.SetColorIndex(x, y, index)
		}
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small)
	return b.Bytes(), err
}
