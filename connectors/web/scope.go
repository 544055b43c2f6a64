package web

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cairnhq/cairn"
)

// scope says which addresses of the site are read.
type scope struct {
	origin  string
	folders []string // paths, where include is empty
	starts  map[string]bool
	include []string
	exclude []string
}

// newScope returns the scope of start addresses, which are normalised. Errors are
// ErrInvalid.
func newScope(starts, include, exclude []string) (scope, error) {
	s := scope{origin: originOf(starts[0]), starts: map[string]bool{}, include: include, exclude: exclude}
	for name, globs := range map[string][]string{"include": include, "exclude": exclude} {
		for _, g := range globs {
			if !strings.HasPrefix(g, "/") || !doublestar.ValidatePattern(g) {
				return s, cairn.Errorf(cairn.ErrInvalid, "%s: %q is not a glob of a path, such as /docs/** or /blog/*.html", name, g)
			}
		}
	}
	for _, at := range starts {
		s.starts[at] = true
		s.folders = append(s.folders, folder(pathOf(at)))
	}
	return s, nil
}

// folder returns the path below which the pages of a start address lie: itself, or
// where its last part is the name of a file, what is before that.
func folder(p string) string {
	if files[ending(p)] {
		return p[:strings.LastIndexByte(p, '/')+1]
	}
	return p
}

// files are endings of pages; other dots, as in /v1.2, are part of a folder's name.
var files = set("html htm xhtml shtml php php3 asp aspx jsp jspx cgi do cfm pdf docx pptx xlsx md txt csv")

// ending returns what stands behind the last dot of a path, in lower case.
func ending(p string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(p), ".")) }

// holds reports whether a normalised address is read.
func (s scope) holds(at string) bool {
	if originOf(at) != s.origin {
		return false
	}
	if s.starts[at] {
		return true
	}
	target := targetOf(at)
	p, query, asks := strings.Cut(target, "?")
	if asks { // a slash in it would be one of a path to globs
		target = p + "?" + strings.ReplaceAll(query, "/", "%2F")
	}
	if matches(s.exclude, p, target) {
		return false
	}
	if len(s.include) > 0 {
		return matches(s.include, p, target)
	}
	for _, f := range s.folders {
		if below(f, p) {
			return true
		}
	}
	return false
}

// below reports whether a path is a folder or in it.
func below(folder, p string) bool {
	rest, ok := strings.CutPrefix(p, folder)
	return ok && (rest == "" || strings.HasSuffix(folder, "/") || rest[0] == '/') || p+"/" == folder
}

// matches reports whether a glob matches a path, or the path with its query.
func matches(globs []string, p, target string) bool {
	for _, g := range globs {
		if doublestar.MatchUnvalidated(g, p) || p != target && doublestar.MatchUnvalidated(g, target) {
			return true
		}
	}
	return false
}

// originOf returns scheme and host of a normalised address.
func originOf(at string) string { return at[:len(at)-len(targetOf(at))] }

// targetOf returns path and query of a normalised address.
func targetOf(at string) string {
	i := strings.Index(at, "://")
	if i < 0 {
		return ""
	}
	if j := strings.IndexByte(at[i+3:], '/'); j >= 0 {
		return at[i+3+j:]
	}
	return ""
}

// pathOf returns the path of a normalised address.
func pathOf(at string) string {
	p, _, _ := strings.Cut(targetOf(at), "?")
	return p
}

// skipped are the endings of what is no document, which is not even asked for.
var skipped = set(`css js mjs json jsonld map xml rss atom xsd wasm ico png jpg jpeg gif webp avif svg bmp tif tiff mp3 mp4 m4a m4v mov avi mkv
	webm ogg oga ogv wav flac woff woff2 ttf otf eot zip gz tgz bz2 xz zst 7z rar tar jar war deb rpm dmg pkg msi exe iso img apk bin whl`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// mayBeDocument reports whether the ending of an address allows for a document.
func mayBeDocument(at string) bool {
	return !skipped[ending(pathOf(at))]
}

// maxRepeats is how often one part of a path may follow itself. More of it comes from a
// relative link on a page that the site gives for every address.
const maxRepeats = 4

func isTrap(at string) bool {
	last, times := "", 0
	for part := range strings.SplitSeq(pathOf(at), "/") {
		if part != last || part == "" {
			last, times = part, 0
		}
		if times++; times > maxRepeats && part != "" {
			return true
		}
	}
	return false
}
