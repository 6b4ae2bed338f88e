// Package firmware_test holds the tests about the whole tree: who imports whom,
// what every package must say of itself, and what may lie at the top.
//
// They parse the files in this process: a test that runs `go list` would be
// served from the test cache and pass stale.
package firmware_test

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "peerphone"

// rule says which packages of ours a package may import.
type rule struct {
	pkg   string   // a package, or with /... it and all below it; the longest match counts
	allow []string // likewise; nothing else of ours
}

// rules is the list of who may import whom. Change it only in a commit of its
// own, with the reason.
var rules = []rule{
	{"firmware", []string{"..."}},
	{"firmware/...", []string{"..."}},
	{"firmware/initd", []string{"board"}}, // re-executes the binary: no node, hal or webui
	{"firmware/update", nil},              // knows releases and their signatures, not what runs: usable by initd and by the phone alike

	{"hal", nil},
	{"hal/haltest", []string{"hal"}},
	{"hal/...", []string{"hal"}}, // the drivers
	{"board", nil},

	{"node/identity", nil},
	{"node/wire", []string{"node/identity"}},

	// The cores meet in node only, never each other.
	{"node/session/...", []string{"node/identity", "node/wire", "node/session/..."}},
	{"node/path/...", []string{"node/identity", "node/wire", "node/path/..."}},
	{"node/overlay/...", []string{"node/identity", "node/wire", "node/overlay/..."}},
	{"node/directory/...", []string{"node/identity", "node/wire", "node/directory/..."}},
	{"node/login/...", []string{"node/identity", "node/wire", "node/login/..."}},
	{"node/call/...", []string{"node/identity", "node/wire", "node/call/..."}},
	{"node/contacts/...", []string{"node/identity", "node/wire", "node/contacts/..."}},
	{"node/handset/...", []string{"node/identity", "node/wire", "node/handset/...", "hal"}},

	{"node/media", []string{"node/wire", "node/media/...", "hal"}},
	{"node/media/opus", nil},
	{"node/media/dsp", nil},
	{"node/media/jitter", []string{"hal", "node/media/dsp"}},
	{"node/media/emodel", nil},
	{"node/media/adapt", []string{"hal", "node/wire", "node/media/opus", "node/media/emodel"}}, // chooses settings of the codec by how they are heard
	{"node/media/trace", []string{"hal", "node/media/dsp", "node/media/jitter"}},               // plays traces through the buffer, for the lab and for tests

	{"node", []string{"node/...", "hal"}},
	{"node/sim/...", []string{"node/...", "hal"}},
	{"webui/...", []string{"node", "node/media"}}, // node's Snapshot holds the statistics of media
}

// testsMay are what any test may import besides what its package may.
var testsMay = []string{"hal", "hal/haltest", "hal/sim"}

// matches reports whether pattern covers pkg, and how long the match is.
func matches(pattern, pkg string) (length int, ok bool) {
	if pattern == "..." {
		return 0, true
	}
	if stem, all := strings.CutSuffix(pattern, "/..."); all {
		return len(stem), pkg == stem || strings.HasPrefix(pkg, stem+"/")
	}
	return len(pattern) + 1, pkg == pattern // an exact rule beats one for all below
}

// ruleFor returns the rule with the longest match.
func ruleFor(pkg string) (best rule, ok bool) {
	longest := -1
	for _, r := range rules {
		if n, hit := matches(r.pkg, pkg); hit && n > longest {
			best, longest = r, n
		}
	}
	return best, longest >= 0
}

func allowed(pkg string, list []string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		_, ok := matches(pattern, pkg)
		return ok
	})
}

// source is one parsed Go file of the tree.
type source struct {
	path  string // from the top, with slashes
	pkg   string // folder
	test  bool
	lines int
	file  *ast.File
	fset  *token.FileSet
}

// tree parses every Go file below the top folder.
func tree(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipped(name, d)
		}
		if filepath.Ext(name) == ".go" {
			all = append(all, parse(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: is the top folder wrong?", len(all))
	}
	return all
}

// top is the top folder of the tree, seen from this package.
const top = ".."

func skipped(name string, d fs.DirEntry) error {
	hidden := strings.HasPrefix(d.Name(), ".") && name != top
	if hidden || d.Name() == "testdata" || name == filepath.Join(top, "bin") || name == filepath.Join(top, "out") {
		return filepath.SkipDir
	}
	return nil
}

func parse(t *testing.T, name string) source {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(top, name)
	if err != nil {
		t.Fatal(err)
	}
	rel = filepath.ToSlash(rel)
	return source{
		path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(name, "_test.go"),
		lines: strings.Count(string(text), "\n"), file: file, fset: fset,
	}
}

func (s source) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

func (s source) at(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	return s.path + ":" + strconv.Itoa(p.Line)
}

func TestImports(t *testing.T) {
	for _, s := range tree(t) {
		r, ok := ruleFor(s.pkg)
		if !ok {
			t.Errorf("%s: no rule for package %s: add it to the list in this test, with the reason", s.path, s.pkg)
			continue
		}
		for _, p := range s.imports(t) {
			own, ours := strings.CutPrefix(p, module+"/")
			switch {
			case !ours || own == s.pkg: // a test outside its package imports it
			case allowed(own, r.allow), s.test && allowed(own, testsMay):
			default:
				t.Errorf("%s imports %s; %s may import only %v", s.path, own, s.pkg, r.allow)
			}
		}
	}
}

// TestRules makes sure that the list can say no.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		want         bool
	}{
		{"node/call", "node/wire", true},
		{"node/call", "node/session", false},
		{"node/login/bbolt", "node/login", true},
		{"node/wire", "node/identity", true},
		{"node/identity", "node/wire", false},
		{"node", "hal", true},
		{"node", "hal/sim", false},
		{"node/media", "hal/sim", false},
		{"hal", "hal/haltest", false},
		{"hal/sim", "node/wire", false},
		{"webui", "node", true},
		{"webui", "hal/sim", false},
		{"board", "hal", false},
		{"firmware/lab", "hal/sim", true},
		{"firmware/initd", "node", false},
		{"firmware/update", "node", false},
	} {
		r, ok := ruleFor(c.pkg)
		if got := ok && allowed(c.imports, r.allow); got != c.want {
			t.Errorf("may %s import %s? got %v, want %v (rule %q)", c.pkg, c.imports, got, c.want, r.pkg)
		}
	}
}

// TestCharters wants a package doc that begins with what the package is for.
func TestCharters(t *testing.T) {
	charter := map[string]bool{}
	for _, s := range tree(t) {
		if s.test {
			continue
		}
		charter[s.pkg] = charter[s.pkg] || s.hasCharter()
	}
	for pkg, ok := range charter {
		if !ok {
			t.Errorf("%s: no package doc that begins %q and says in one sentence what it is for", pkg, "Package "+path.Base(pkg))
		}
	}
}

func (s source) hasCharter() bool {
	begins := "Package " + s.file.Name.Name + " "
	if s.file.Name.Name == "main" {
		begins = "Command " + path.Base(s.pkg) + " "
	}
	doc := strings.Join(strings.Fields(s.file.Doc.Text()), " ")
	rest, ok := strings.CutPrefix(doc, begins)
	return ok && strings.Contains(rest, ".") && len(rest) > 20
}

// TestNames keeps packages from becoming drawers.
func TestNames(t *testing.T) {
	drawers := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "internal"}
	for _, s := range tree(t) {
		for _, part := range append(strings.Split(s.pkg, "/"), s.file.Name.Name) {
			if slices.Contains(drawers, part) {
				t.Errorf("%s: no package may be called %q: name it for the thing that it is", s.path, part)
			}
		}
	}
}

// TestNoCgo keeps every program static; only malgo may use C, behind its tag.
func TestNoCgo(t *testing.T) {
	for _, s := range tree(t) {
		if slices.Contains(s.imports(t), "C") && !s.needsTag("malgo") {
			t.Errorf("%s: import \"C\" without the build tag malgo", s.path)
		}
	}
}

// needsTag reports whether the file is built only with that build tag.
func (s source) needsTag(tag string) bool {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			expr, err := constraint.Parse(c.Text)
			if err != nil || c.Pos() > s.file.Package {
				continue
			}
			return !expr.Eval(func(other string) bool { return other != tag })
		}
	}
	return false
}

// TestIntegers keeps the codec and the signal path free of floating point:
// their results are the same on every board, and armv6 has no time for it.
func TestIntegers(t *testing.T) {
	for _, s := range tree(t) {
		if s.test || s.needsTag("ignore") || s.pkg != "node/media/opus" && s.pkg != "node/media/dsp" {
			continue
		}
		if slices.Contains(s.imports(t), "math") {
			t.Errorf("%s imports math", s.path)
		}
		for _, n := range s.floats() {
			t.Errorf("%s: floating point", s.at(n))
		}
	}
}

// floats lists the places that name a floating-point type or have such a
// literal outside a constant's value, where the compiler does the work.
func (s source) floats() []ast.Node {
	var found []ast.Node
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.Ident:
			if slices.Contains([]string{"float32", "float64", "complex64", "complex128"}, n.Name) {
				found = append(found, n)
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

// TestLength: above 1,000 lines only tables.
func TestLength(t *testing.T) {
	for _, s := range tree(t) {
		if s.lines > 1000 && !s.table() {
			t.Errorf("%s has %d lines, and is no table", s.path, s.lines)
		}
	}
}

// table reports whether a file has declarations of constants, variables and
// types only.
func (s source) table() bool {
	return !slices.ContainsFunc(s.file.Decls, func(d ast.Decl) bool {
		_, function := d.(*ast.FuncDecl)
		return function
	})
}

// TestTop keeps the top folder readable: these entries and no other. bin and
// out are built; names that begin with a dot belong to tools.
func TestTop(t *testing.T) {
	known := strings.Fields(`firmware hal board node webui buildroot
		go.mod go.sum Makefile README.md ARCHITECTURE.md CHANGELOG.md LICENSE SECURITY.md
		bin out`)
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(known, e.Name()) {
			t.Errorf("%s does not belong at the top", e.Name())
		}
	}
}
