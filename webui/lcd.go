package webui

import (
	"strconv"
	"unicode/utf8"
)

// The display is a character module: two lines of 16 characters, each of 5 by
// 8 dots in a cell of 6 by 9.
const (
	lcdColumns = 16
	lcdLines   = 2
	cellWidth  = 6
	cellHeight = 9
)

// fit brings lines to the size of the display: what is missing is blank, what
// is too much is cut.
func fit(lines []string) [lcdLines]string {
	var out [lcdLines]string
	for i := range min(len(lines), lcdLines) {
		out[i] = lines[i]
		if utf8.RuneCountInString(out[i]) > lcdColumns {
			out[i] = string([]rune(out[i])[:lcdColumns])
		}
	}
	return out
}

// dots draws the lines as an SVG path of horizontal runs, in which one unit is
// one dot; the stroke's dashes (page.css) part the dots.
func dots(lines [lcdLines]string) string {
	var path []byte
	for row, line := range lines {
		column := 0
		for _, r := range line {
			path = appendGlyph(path, glyph(r), column*cellWidth, row*cellHeight)
			column++
		}
	}
	return string(path)
}

// appendGlyph draws one character with its top left dot at x, y.
func appendGlyph(path []byte, columns [5]byte, x, y int) []byte {
	for dy := range 8 {
		for dx := 0; dx < 5; dx++ {
			n := 0
			for dx+n < 5 && columns[dx+n]>>dy&1 == 1 {
				n++
			}
			if n == 0 {
				continue
			}
			path = append(path, 'M')
			path = strconv.AppendInt(path, int64(x+dx), 10)
			path = append(path, ' ')
			path = strconv.AppendInt(path, int64(y+dy), 10)
			path = append(path, 'h')
			path = strconv.AppendInt(path, int64(n), 10)
			dx += n
		}
	}
	return path
}

// glyph returns the columns of a character, left to right, the lowest bit on
// top. What the module cannot show is a full block.
func glyph(r rune) [5]byte {
	if r < ' ' || int(r-' ') >= len(font) {
		return [5]byte{0x7f, 0x7f, 0x7f, 0x7f, 0x7f}
	}
	return font[r-' ']
}
