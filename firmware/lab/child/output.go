package child

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
)

// maxLine bounds a line on stdout, in bytes; a longer one ends the reading.
const maxLine = 1 << 20

// follow reads what the child prints until it ends.
func (c *Child) follow(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		c.add(bytes.Clone(lines.Bytes()))
	}
	_, _ = io.Copy(io.Discard, out) // after a line that was too long: the child must not block
	c.ended(c.cmd.Wait())
}

// tailLen is how many bytes of a log's end are looked at.
const tailLen = 16 << 10

// Tail returns the last lines of a file, at most n; none if it cannot be read.
func Tail(name string, n int) []string {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailLen {
		if _, err := f.Seek(-tailLen, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, tailLen))
	if err != nil {
		return nil
	}
	lines := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	return lines[max(0, len(lines)-n):]
}
