package webui

import (
	"strings"
)

// template is a page with marks {{key}} in its text and in its quoted
// attributes. The value of a key is a text, which is escaped for both places,
// or the rows of a table, in which there may be buttons. There is nothing else: html/template would keep the
// linker from dropping unused methods of the whole program.
//
// A key names its place for the page's script: "id" is the text of the element
// with this ID, "id@name" its attribute of this name, and rows are the body of
// the table.
type template []segment

// segment is a piece of the page and the mark that follows it.
type segment struct {
	text string
	key  string // empty after the last piece
}

// parts are the values of the marks: string, [][]string, or rows whose cells are
// strings and buttons.
type parts map[string]any

// button is a cell that can be pressed, in the form around the table.
type button struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Text  string `json:"text"`
	Label string `json:"label"` // for who does not see in which row it stands
}

func parseTemplate(page string) template {
	var t template
	for {
		before, rest, ok := strings.Cut(page, "{{")
		if !ok {
			return append(t, segment{text: page})
		}
		key, after, ok := strings.Cut(rest, "}}")
		if !ok {
			panic("webui: a mark is not closed: " + before)
		}
		t = append(t, segment{before, key})
		page = after
	}
}

// appendTo writes the page. A key is looked for in each of the parts.
func (t template) appendTo(b []byte, sources ...parts) []byte {
	for _, s := range t {
		b = append(b, s.text...)
		for _, p := range sources {
			b = appendPart(b, p[s.key])
		}
	}
	return b
}

func appendPart(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		b = appendEscaped(b, v)
	case [][]string:
		for _, row := range v {
			b = appendRow(b, row)
		}
	case [][]any:
		for _, row := range v {
			b = appendRow(b, row)
		}
	}
	return b
}

// appendRow writes one row of a table; its first cell is the row's heading.
func appendRow[T any](b []byte, cells []T) []byte {
	b = append(b, "<tr>"...)
	for i, c := range cells {
		if i == 0 {
			b = append(appendCell(append(b, `<th scope="row">`...), c), "</th>"...)
		} else {
			b = append(appendCell(append(b, "<td>"...), c), "</td>"...)
		}
	}
	return append(b, "</tr>"...)
}

func appendCell(b []byte, cell any) []byte {
	switch c := cell.(type) {
	case string:
		b = appendEscaped(b, c)
	case button:
		for _, part := range [...][2]string{{`<button name="`, c.Name}, {`" value="`, c.Value}, {`" aria-label="`, c.Label}, {`">`, c.Text}} {
			b = appendEscaped(append(b, part[0]...), part[1])
		}
		b = append(b, "</button>"...)
	}
	return b
}

// appendEscaped writes s so that it is only text, between tags as well as in
// quoted attributes.
func appendEscaped(b []byte, s string) []byte {
	for _, r := range s { // what is no UTF-8 becomes U+FFFD
		switch {
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '"':
			b = append(b, "&#34;"...)
		case r == '\'':
			b = append(b, "&#39;"...)
		case r < ' ' && r != '\n' && r != '\t':
			b = append(b, "\ufffd"...)
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}
