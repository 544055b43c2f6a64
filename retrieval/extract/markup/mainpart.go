package markup

import (
	"net/url"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// mainPart returns the part of a page that is its own and not its site's.
func mainPart(doc *html.Node) *html.Node {
	if n := only(doc, func(n *html.Node) bool { return n.DataAtom == atom.Main || attr(n, "role") == "main" }); n != nil {
		return n
	}
	if n := only(doc, func(n *html.Node) bool { return n.DataAtom == atom.Article }); n != nil {
		return n
	}
	if n := readable(doc); n != nil {
		return n
	}
	strip(doc)
	return doc
}

// only returns the one node that match accepts and that holds most of the
// page's text; nil when none or several match.
func only(doc *html.Node, match func(*html.Node) bool) *html.Node {
	var found *html.Node
	count := 0
	walk(doc, func(n *html.Node) bool {
		if n.Type == html.ElementNode && match(n) {
			found = n
			count++
			return false
		}
		return true
	})
	if count != 1 || size(found)*10 < size(doc)*4 {
		return nil
	}
	return found
}

// readable returns what readability takes for the article, unless that leaves
// out more than a quarter of the text that is not links: tables and lists of
// an intranet page look like decoration to it.
func readable(doc *html.Node) (article *html.Node) {
	all := size(doc)
	if all < 500 {
		return nil
	}
	defer func() {
		if recover() != nil {
			article = nil
		}
	}()
	p := readability.NewParser()
	p.KeepClasses = true // the language of code blocks is a class
	p.MaxElemsToParse = 100_000
	found, err := p.ParseDocument(clone(doc), &url.URL{})
	if err != nil || found.Node == nil || size(found.Node)*4 < all*3 {
		return nil
	}
	return found.Node
}

// clone copies a tree, because readability rewrites the one that it is given.
func clone(n *html.Node) *html.Node {
	c := &html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Namespace: n.Namespace,
		Attr: append([]html.Attribute(nil), n.Attr...)}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.AppendChild(clone(child))
	}
	return c
}

// strip removes boilerplate from a tree.
func strip(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if boilerplate(c) {
			n.RemoveChild(c)
		} else {
			strip(c)
		}
		c = next
	}
}
