package languages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"golang.org/x/net/html"
)

// use is one place that says a text.
type use struct {
	where, key string
	prefix     bool     // key is what several keys start with
	params     []string // nil where they are not to be seen
}

// plain are Go sentences that nobody sees in a page of ours: they are said
// when no page can be drawn.
var plain = []string{"This page cannot be drawn: the log says why.", "The session cannot be read: the log says why."}

func templates(t *testing.T) map[string][]*parse.Tree {
	t.Helper()
	files, err := filepath.Glob("../templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	all := map[string][]*parse.Tree{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tree := parse.New(filepath.Base(f))
		tree.Mode = parse.SkipFuncCheck
		set := map[string]*parse.Tree{}
		if _, err := tree.Parse(string(raw), "", "", set); err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = slices.Collect(maps.Values(set))
	}
	return all
}

// walk visits all nodes below n in their order.
func walk(n parse.Node, visit func(parse.Node)) {
	branch := func(b *parse.BranchNode) {
		walk(b.Pipe, visit)
		walk(b.List, visit)
		if b.ElseList != nil {
			walk(b.ElseList, visit)
		}
	}
	visit(n)
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				walk(c, visit)
			}
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				walk(c, visit)
			}
		}
	case *parse.CommandNode:
		for _, c := range n.Args {
			walk(c, visit)
		}
	case *parse.TemplateNode:
		if n.Pipe != nil {
			walk(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}

func templateUses(t *testing.T) []use {
	var uses []use
	for file, trees := range templates(t) {
		for _, tree := range trees {
			walk(tree.Root, func(n parse.Node) {
				c, ok := n.(*parse.CommandNode)
				if !ok {
					return
				}
				f, ok := c.Args[0].(*parse.IdentifierNode)
				if !ok || f.Ident != "t" && f.Ident != "tc" {
					return
				}
				key, ok := c.Args[1].(*parse.StringNode)
				if !ok {
					t.Errorf("%s: %s has a key that is not written out: use tc with a prefix", file, c)
					return
				}
				u := use{where: file, key: key.Text, prefix: f.Ident == "tc"}
				if !u.prefix {
					u.params = []string{}
					for i := 2; i < len(c.Args); i += 2 {
						if name, ok := c.Args[i].(*parse.StringNode); ok {
							u.params = append(u.params, name.Text)
						}
					}
				}
				uses = append(uses, u)
			})
		}
	}
	return uses
}

// goLiterals visits the strings in the Go files of web and here that are not tests.
func goLiterals(t *testing.T, visit func(file, text string, call *ast.CallExpr)) {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	own, _ := filepath.Glob("*.go") // the same pattern
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range append(files, own...) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		calls := map[ast.Expr]*ast.CallExpr{}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				for _, a := range c.Args {
					calls[a] = c
				}
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				visit(filepath.Base(f), text, calls[l])
			}
			return true
		})
	}
}

// called is the name of what c calls.
func called(c *ast.CallExpr) string {
	if c == nil {
		return ""
	}
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func goUses(t *testing.T, all map[string]entry) []use {
	pages := map[string]bool{}
	for key := range all {
		pages[key[:strings.Index(key, ".")]] = true
	}
	shape := regexp.MustCompile(`^([a-z]+)\.[a-z0-9_]+$`)
	var uses []use
	goLiterals(t, func(file, text string, call *ast.CallExpr) {
		m := shape.FindStringSubmatch(text)
		if m == nil || !pages[m[1]] || strings.HasSuffix(text, ".html") || strings.HasSuffix(text, ".svg") {
			return
		}
		u := use{where: file, key: strings.TrimSuffix(text, "_")}
		name := called(call)
		u.prefix = name == "Code" || name == "Find" || strings.HasSuffix(text, "_")
		if (name == "T" || name == "Text") && !call.Ellipsis.IsValid() {
			u.params = []string{}
			for i := 1; i < len(call.Args); i += 2 {
				if l, ok := call.Args[i].(*ast.BasicLit); ok {
					u.params = append(u.params, strings.Trim(l.Value, `"`))
				}
			}
		}
		uses = append(uses, u)
	})
	return uses
}

func TestEveryTextThatIsUsedIsThereAndEveryOtherIsNot(t *testing.T) {
	all := entries(t)
	used := map[string]bool{}
	for _, u := range append(templateUses(t), goUses(t, all)...) {
		if u.prefix {
			found := false
			for key := range all {
				if strings.HasPrefix(key, u.key+"_") {
					used[key], found = true, true
				}
			}
			if !found {
				t.Errorf("%s: no text starts with %q", u.where, u.key+"_")
			}
			continue
		}
		e, ok := all[u.key]
		if !ok {
			t.Errorf("%s: there is no text %q", u.where, u.key)
			continue
		}
		used[u.key] = true
		if u.params != nil {
			slices.Sort(u.params)
			if want := params(e.EN); !slices.Equal(u.params, want) && !slices.Equal(u.params, append(slices.Clone(want), "Count")) {
				t.Errorf("%s: %q is given %v and has %v", u.where, u.key, u.params, want)
			}
		}
	}
	for key := range all {
		if file, _, _ := strings.Cut(key, "."); !used[key] && !slices.Contains(sourceFiles, file) {
			t.Errorf("nobody says %q", key)
		}
	}
}

// sentences are the visible texts that a template has of its own.
func sentences(trees []*parse.Tree) []string {
	var list []string
	for _, tree := range trees {
		var source strings.Builder
		walk(tree.Root, func(n parse.Node) {
			switch n := n.(type) {
			case *parse.TextNode:
				source.Write(n.Text)
			case *parse.ActionNode, *parse.TemplateNode:
				source.WriteString("0")
			}
		})
		z := html.NewTokenizer(strings.NewReader(strings.NewReplacer("<noscript>", "", "</noscript>", "").Replace(source.String())))
		quiet := 0
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch kind {
			case html.StartTagToken, html.SelfClosingTagToken:
				if token.Data == "code" || token.Data == "title" {
					quiet++
				}
				for _, a := range token.Attr {
					if slices.Contains([]string{"alt", "placeholder", "title", "aria-label", "aria-description"}, a.Key) && letters.MatchString(a.Val) {
						list = append(list, a.Key+"="+a.Val)
					}
				}
			case html.EndTagToken:
				if token.Data == "code" || token.Data == "title" {
					quiet--
				}
			case html.TextToken:
				text := strings.TrimSpace(token.Data)
				if quiet == 0 && !attributes.MatchString(text) && letters.MatchString(strings.ReplaceAll(text, "homeward", "")) && text != "TCP" && text != "UDP" {
					list = append(list, text)
				}
			}
		}
	}
	return list
}

// attributes is what a template has that stands inside of a tag.
var attributes = regexp.MustCompile(`^[a-z-]+="[^"]*"( [a-z]+)*$`)

var letters = regexp.MustCompile(`\pL\pL`)

func TestEverySentenceIsInTheCatalogue(t *testing.T) {
	complain := func(file, text string) {
		t.Errorf("%s has a text of its own, which belongs into web/languages/texts: %q", file, text)
	}
	for file, trees := range templates(t) {
		for _, text := range sentences(trees) {
			complain(file, text)
		}
	}
	sentence := regexp.MustCompile(`^\p{Lu}\pL* .*\pL\pL`)
	goLiterals(t, func(file, text string, call *ast.CallExpr) {
		if sentence.MatchString(text) && !slices.Contains(plain, text) {
			complain(file, text)
		}
	})
}

func TestTheSearchFindsSentences(t *testing.T) {
	tree := parse.New("x")
	tree.Mode = parse.SkipFuncCheck
	set := map[string]*parse.Tree{}
	if _, err := tree.Parse(`<p>{{if .A}}Hello{{else}}<code>not me</code>{{end}} <img alt="A picture">{{t "x.y"}}</p>`, "", "", set); err != nil {
		t.Fatal(err)
	}
	if got := sentences(slices.Collect(maps.Values(set))); !slices.Equal(got, []string{"Hello", "alt=A picture"}) {
		t.Errorf("found %q", got)
	}
}
