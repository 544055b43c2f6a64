// Package web holds the browser interface as files inside the program.
package web

import (
	"embed"
	"io/fs"
)

// dist is what `npm run build` writes. A page that says how to build stands in
// it from the beginning, so that the program builds without Node.
//
//go:embed all:dist
var dist embed.FS

// Files returns the built interface, with index.html at its root, names under
// assets/ that change with their content, and a .br and .gz beside each file
// worth compressing. Where the program was built without the interface, it
// returns the page that says how to build it, stub.html, and false.
func Files() (fs.FS, bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: the embedded folder dist is missing: " + err.Error())
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
