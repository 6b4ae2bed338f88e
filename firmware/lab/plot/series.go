package plot

import (
	"fmt"
	"strings"
)

// series draws one quantity; i is its place in the panel.
func (d diagram) series(s Series, i int) {
	if len(s.Points) == 0 {
		return
	}
	switch s.Kind {
	case Area:
		d.area(s)
	case Bars:
		d.bars(s, i)
	case Step:
		d.line(s, steps(s.Points, d.f.Seconds))
	case Line:
		d.line(s, s.Points)
	}
}

func (d diagram) line(s Series, points []Point) {
	d.printf(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>`, d.path(points), s.Color)
}

func (d diagram) area(s Series) {
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	all := append([]Point{{first.X, d.p.Low}}, s.Points...)
	d.printf(`<polygon points="%s" fill="%s"/>`, d.path(append(all, Point{last.X, d.p.Low})), s.Color)
}

// path writes points as SVG wants them.
func (d diagram) path(points []Point) string {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", d.x(p.X), d.y(min(max(p.Y, d.p.Low), d.p.High)))
	}
	return strings.TrimSpace(b.String())
}

// steps turns values into corners; the last one holds until the end.
func steps(points []Point, end float64) []Point {
	var corners []Point
	for i, p := range points {
		until := end
		if i+1 < len(points) {
			until = points[i+1].X
		}
		corners = append(corners, p, Point{until, p.Y})
	}
	return corners
}

// bars draws a bar for each point, at the right of its time; those of the
// panel's series stand side by side within a second.
func (d diagram) bars(s Series, i int) {
	slot := .8 / float64(len(d.p.Series))
	for _, p := range s.Points {
		if p.Y <= 0 {
			continue
		}
		x := d.x(p.X + .1 + slot*float64(i))
		d.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`,
			x, d.y(p.Y), d.x(slot)-left, d.y(d.p.Low)-d.y(p.Y), s.Color)
	}
}
