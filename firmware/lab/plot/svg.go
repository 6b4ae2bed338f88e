package plot

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// Measures of the drawing, in pixels.
const (
	width       = 960.0
	left        = 64.0 // of the diagrams
	right       = 24.0
	head        = 88.0 // title and subtitle
	panelHead   = 34.0 // title and legend of a panel
	panelGap    = 14.0
	foot        = 52.0 // of the x axis
	tickSpace   = 26.0 // between two ticks of a y axis, at least
	fontFamily  = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
	inkColor    = "#1f2933"
	faintColor  = "#5b6770"
	gridColor   = "#e4e7eb"
	frameColor  = "#cbd2d9"
	limitColor  = "#b42318"
	paperColor  = "#ffffff"
	canvasColor = "#fafbfc"
)

// canvas is a drawing being written.
type canvas struct {
	bytes.Buffer
	f Figure
}

// SVG returns the figure as a file.
func (f Figure) SVG() []byte {
	c := &canvas{f: f}
	c.begin(f.height())
	y := head
	for i, p := range f.Panels {
		last := i == len(f.Panels)-1
		c.panel(p.fitted(), y+panelHead, last)
		y += panelHead + p.Height + panelGap
	}
	c.printf(`<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`,
		(left+width-right)/2, y-panelGap+40, faintColor, text(f.XLabel))
	c.printf("</svg>")
	return c.Bytes()
}

func (f Figure) height() float64 {
	h := head + foot - panelGap
	for _, p := range f.Panels {
		h += panelHead + p.Height + panelGap
	}
	return h
}

func (c *canvas) printf(format string, args ...any) {
	fmt.Fprintf(c, format+"\n", args...)
}

func text(s string) string { return html.EscapeString(s) }

func (c *canvas) begin(height float64) {
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="title desc" font-family="%s" font-size="12">`,
		width, height, width, height, fontFamily)
	c.printf(`<title id="title">%s</title>`, text(c.f.Title))
	c.printf(`<desc id="desc">%s</desc>`, text(c.f.Description))
	c.printf(`<rect width="100%%" height="100%%" fill="%s"/>`, canvasColor)
	c.printf(`<text x="%.0f" y="38" font-size="20" font-weight="600" fill="%s">%s</text>`, left, inkColor, text(c.f.Title))
	c.printf(`<text x="%.0f" y="62" font-size="13" fill="%s">%s</text>`, left, faintColor, text(c.f.Subtitle))
}

// x places a time.
func (c *canvas) x(seconds float64) float64 {
	return left + (width-right-left)*seconds/c.f.Seconds
}

// panel draws one diagram whose upper edge is at top.
func (c *canvas) panel(p Panel, top float64, last bool) {
	d := diagram{canvas: c, p: p, top: top}
	d.title()
	c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, left, top, width-right-left, p.Height, paperColor)
	d.grid(last)
	c.printf(`<svg x="%.1f" y="%.1f" width="%.1f" height="%.1f" viewBox="%.1f %.1f %.1f %.1f">`,
		left, top, width-right-left, p.Height, left, top, width-right-left, p.Height) // cuts off what lies outside
	for i, s := range p.Series {
		d.series(s, i)
	}
	c.printf(`</svg>`)
	for _, l := range p.Limits {
		d.limit(l)
	}
	if p.flat() {
		c.printf(`<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`,
			(left+width-right)/2, top+p.Height/2+4, faintColor, text(p.Empty))
	}
	c.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="%s"/>`, left, top, width-right-left, p.Height, frameColor)
}

// diagram is a panel at its place.
type diagram struct {
	*canvas
	p   Panel
	top float64
}

// y places a value.
func (d diagram) y(v float64) float64 {
	return d.top + d.p.Height*(1-(v-d.p.Low)/(d.p.High-d.p.Low))
}

// title writes the panel's title at the left and its legend at the right.
func (d diagram) title() {
	const letter, swatch = 6.6, 36.0 // width of a letter on average, of a swatch with its gaps
	d.printf(`<text x="%.1f" y="%.1f" font-size="13" font-weight="600" fill="%s">%s</text>`, left, d.top-10, inkColor, text(d.p.Title))
	x := width - right
	for i := len(d.p.Series) - 1; i >= 0; i-- {
		s := d.p.Series[i]
		x -= letter*float64(len([]rune(s.Name))) + swatch
		d.printf(`<rect x="%.1f" y="%.1f" width="14" height="%.0f" rx="1.5" fill="%s"/>`, x, d.top-14-s.swatch()/2, s.swatch(), s.Color)
		d.printf(`<text x="%.1f" y="%.1f" fill="%s">%s</text>`, x+19, d.top-10, faintColor, text(s.Name))
	}
}

// swatch is the height of the mark in the legend.
func (s Series) swatch() float64 {
	if s.Kind == Area || s.Kind == Bars {
		return 10
	}
	return 3
}

// grid draws the ticks of both axes; those of time are told under the last
// panel only.
func (d diagram) grid(last bool) {
	for _, v := range d.p.ticks() {
		y := d.y(v)
		d.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, left, y, width-right, y, gridColor)
		d.printf(`<text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s</text>`, left-8, y+4, faintColor, number(v))
	}
	for _, s := range ticks(0, d.f.Seconds, 12) {
		x := d.x(s)
		d.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x, d.top, x, d.top+d.p.Height, gridColor)
		if last {
			d.printf(`<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`, x, d.top+d.p.Height+18, faintColor, number(s))
		}
	}
}

func (d diagram) limit(l Limit) {
	y := d.y(l.Y)
	d.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="5 4"/>`, left, y, width-right, y, limitColor)
	d.printf(`<text x="%.1f" y="%.1f" text-anchor="end" font-size="11" fill="%s">%s</text>`, width-right-6, y-5, limitColor, text(l.Label))
}

// number writes a tick's value with a true minus sign.
func number(v float64) string {
	s := fmt.Sprintf("%.4g", math.Abs(v))
	if v < 0 {
		return "−" + s
	}
	return s
}
