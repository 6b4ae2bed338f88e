// Package plot draws what was measured over time as one SVG figure: panels
// below each other over a common axis.
//
// A Figure is data; Append writes it. The drawing has no script and needs
// nothing from outside; a title and a description are in it for those who hear
// it.
package plot

// Figure is a whole drawing. Its x axis is time in seconds from 0.
type Figure struct {
	Title       string
	Subtitle    string
	Description string // a sentence or two that say what can be seen
	Seconds     float64
	XLabel      string
	Panels      []Panel
}

// Panel is one diagram.
type Panel struct {
	Title  string // with the unit
	Height float64
	Low    float64 // of the y axis; it grows to hold all points
	High   float64
	Whole  bool   // ticks at whole numbers only
	Empty  string // what to write when no series rises above Low
	Series []Series
	Limits []Limit
}

// Limit is a dashed line at one height.
type Limit struct {
	Y     float64
	Label string
}

// Series is one quantity.
type Series struct {
	Name   string
	Color  string // as in CSS
	Kind   Kind
	Points []Point
}

// Point is one measurement.
type Point struct{ X, Y float64 }

//go:generate go tool stringer -type=Kind -linecomment

// Kind is how a series is drawn.
type Kind uint8

// The kinds.
const (
	Line Kind = iota // line: from point to point
	Area             // area: filled down to the axis
	Step             // step: each value holds until the next point
	Bars             // bars: one per point, beside those of other series
)
