package git_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
)

const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestWhatIsRead(t *testing.T) {
	tree := map[string]string{
		"README.md": "# Handbook\n", "main.go": "package main\n", "docs/guide.md": "guide", ".github/workflows/ci.yml": "on: push",
		"ünï côdé.md": "u", "with space & %41#1?.md": "s", "line\nbreak.md": "n", "caf\xe9.md": "latin", `quo"te\.md`: "q",
		"docs/large.md": strings.Repeat("long ", 1000), "film.md": pointer, "logo.png": "\x89PNG", "go.sum": "x", "data.pdf": "%PDF-1.4",
		"link.md": "→docs/guide.md", "outside": "→/etc/passwd", "up": "→../../../../etc/passwd",
		"node_modules/left-pad/README.md": "n", "lib/vendor/x.go": "v", "sub": "@" + strings.Repeat("1", 40),
		".gitmodules":   "[submodule \"sub\"]\n\tpath = sub\n\turl = http://127.0.0.1:1/evil.git\n",
		".cairnignore":  "drafts/\n*.tmp.md\n!docs/keep.tmp.md\n",
		"drafts/a.md":   "draft",
		"a.tmp.md":      "tmp",
		"docs/k.tmp.md": "tmp", "docs/.cairnignore": "!k.tmp.md\n/guide.md\n",
		".gitattributes": "*.md filter=evil\n",
	}
	for name, tt := range map[string]struct {
		settings []string
		want     []string
	}{
		"everything": {nil, []string{
			".gitattributes", ".github/workflows/ci.yml", ".gitmodules", "README.md", "caf\uFFFDE9.md", "data.pdf", "docs/k.tmp.md", "docs/large.md",
			"film.md lfs_pointer", "line\nbreak.md", "main.go", `quo"te\.md`, "with space & %41#1?.md", "ünï côdé.md",
		}},
		"include":       {[]string{"include", "*.go,/README.md,docs"}, []string{"README.md", "docs/k.tmp.md", "docs/large.md", "main.go"}},
		"exclude":       {[]string{"include", "*.md", "exclude", "docs,with*,*break*,film*,caf*,ü*,quo*"}, []string{"README.md"}},
		"other folders": {[]string{"include", "*.go", "skip_folders", "nothing"}, []string{"lib/vendor/x.go", "main.go"}},
		"size":          {[]string{"include", "docs,README.md", "max_size", "2kB"}, []string{"README.md", "docs/k.tmp.md", "docs/large.md too_large"}},
	} {
		for _, filters := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, filters %v", name, filters), func(t *testing.T) {
				s := serve(t, tt.settings...)
				s.Filters = filters
				s.Commit(t, tree)
				c := s.connect(t)
				changes, _ := read(t, c, "")
				if diff := cmp.Diff(tt.want, summary(t, changes)); diff != "" {
					t.Errorf("other files (-want +got):\n%s", diff)
				}
				if got := connectortest.List(t, c); len(got) != len(tt.want) {
					t.Errorf("the listing has %d documents, not %d: %q", len(got), len(tt.want), got)
				}
				for external, text := range map[string]string{"docs/large.md": tree["docs/large.md"], "caf\uFFFDE9.md": "latin", "line\nbreak.md": "n"} {
					if c, ok := changes[external]; ok && c.Err == nil {
						if got, err := content(t, c); got != text {
							t.Errorf("%q is %.20q, %v", external, got, err)
						}
					}
				}
			})
		}
	}
}

func TestMetadata(t *testing.T) {
	s := serve(t)
	first := s.Commit(t, map[string]string{"docs/50% & more #1?.md": "text", "cmd/main.go": "package main\n"})
	second := s.Commit(t, map[string]string{"cmd/main.go": "package main // changed\n"})
	changes, _ := read(t, s.connect(t), "")
	m := changes["docs/50% & more #1?.md"].Metadata
	page := s.URL + "/acme/handbook/src/commit/"
	if m.URL != page+first+"/docs/50%25%20&%20more%20%231%3F.md" || m.Author != gittest.Author || m.Title != "" || m.Size != 4 || m.Filename != "50% & more #1?.md" {
		t.Errorf("got %+v", m)
	}
	if want := time.Date(2024, 1, 2, 3, 5, 0, 0, time.UTC); !m.Modified.Equal(want) {
		t.Errorf("modified at %v, not %v", m.Modified, want)
	}
	m = changes["cmd/main.go"].Metadata
	want := map[string]string{"repo": "acme/handbook", "branch": "main", "commit": second, "path": "cmd/main.go"}
	if m.URL != page+second+"/cmd/main.go" || m.Title != "cmd/main.go" || !cmp.Equal(want, m.Attributes) {
		t.Errorf("got %+v", m)
	}
	if got := s.Link("x"); !strings.HasPrefix(got, page) {
		t.Errorf("the link is %q", got)
	}
}

// A file's date and link are of the commit that gave it the content that it has, also
// where merges and reverts lie in between.
func TestTheLastChangeOfAFile(t *testing.T) {
	s := serve(t)
	at := func(n int) int { return 1_710_000_000 + n }
	commit := func(mark int, branch, parents, changes string) string {
		return fmt.Sprintf("commit refs/heads/%s\nmark :%d\ncommitter P%d <p@x> %d +0000\ndata 1\nm\n%s%s\n", branch, mark, mark, at(mark), parents, changes)
	}
	put := func(path, text string) string {
		return fmt.Sprintf("M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	s.Import(t, commit(1, "main", "from refs/heads/main^0\n", put("a", "one")+put("b", "one")+put("c", "one")+put("d", "one"))+
		commit(2, "main", "from :1\n", put("a", "two")+put("d", "two"))+
		commit(3, "side", "from :1\n", put("b", "side")+put("c", "side"))+
		commit(4, "main", "from :2\nmerge :3\n", put("b", "side")+put("c", "resolved"))+ // c: as no parent has it
		commit(5, "main", "from :4\n", put("a", "one"))) // a: as it was at first
	changes, cursor := read(t, s.connect(t), "")
	got := map[string]string{}
	for external, c := range changes {
		got[external] = c.Metadata.Author
	}
	if diff := cmp.Diff(map[string]string{"a": "P5", "b": "P3", "c": "P4", "d": "P2"}, got); diff != "" {
		t.Errorf("other commits (-want +got):\n%s", diff)
	}
	// A merge that takes the older of two contents.
	s.Import(t, commit(6, "old", "from "+s.Git(t, "", "rev-parse", "main~3")+"\n", put("e", "new"))+
		commit(7, "main", "from refs/heads/main^0\nmerge :6\n", put("d", "one")+put("e", "new")))
	changes, _ = read(t, s.connect(t), cursor)
	whole, _ := read(t, s.afresh(t), "")
	if len(changes) != 2 || changes["d"].Metadata.Author != "P1" || whole["d"].Metadata.Author != "P1" || changes["e"].Metadata.Author != "P6" {
		t.Errorf("after the merge: %v; d is by %s and %s", summary(t, changes), changes["d"].Metadata.Author, whole["d"].Metadata.Author)
	}
}

func TestRenamesAndForcedPushes(t *testing.T) {
	s := serve(t)
	s.Commit(t, map[string]string{"a.md": "a", "b.md": "b", "c.md": "c", "back.md": "there and back"})
	base := s.Git(t, "", "rev-parse", "main")
	s.Commit(t, map[string]string{"amended.md": "amended"})
	s.Commit(t, map[string]string{"b.md": "b of the branch that is thrown away", "d.md": "d", "back.md": "there"})
	s.Commit(t, map[string]string{"back.md": "there and back"})
	before, cursor := read(t, s.connect(t), "")

	t.Run("rename", func(t *testing.T) {
		s.Commit(t, map[string]string{"a.md": "", "docs/a.md": "a"})
		c := s.connect(t)
		changes, next := read(t, c, cursor)
		if diff := cmp.Diff([]string{"docs/a.md"}, summary(t, changes)); diff != "" {
			t.Errorf("other changes (-want +got):\n%s", diff)
		}
		// The old name is no deletion of its own: the listing has the new one alone, so
		// that the two are known as one document.
		if diff := cmp.Diff([]string{"amended.md", "b.md", "back.md", "c.md", "d.md", "docs/a.md"}, connectortest.List(t, c)); diff != "" {
			t.Error(diff)
		}
		cursor = next
	})
	t.Run("forced push", func(t *testing.T) {
		s.Git(t, "", "update-ref", "refs/heads/main", base)
		s.Git(t, "", "gc", "--quiet", "--prune=now")
		amended := s.Commit(t, map[string]string{"amended.md": "amended"}) // the same text in another commit
		s.Commit(t, map[string]string{"c.md": "c again"})
		for name, c := range map[string]connectors.Connector{"with its copy": s.connect(t), "with another copy": s.afresh(t)} {
			changes, _ := read(t, c, cursor)
			if diff := cmp.Diff([]string{"a.md", "amended.md", "b.md", "back.md", "c.md"}, summary(t, changes)); diff != "" {
				t.Errorf("%s: other changes (-want +got):\n%s", name, diff)
			}
			if text, err := content(t, changes["b.md"]); text != "b" {
				t.Errorf("%s: b.md is %q, %v", name, text, err)
			}
			was, is := before["amended.md"].Metadata, changes["amended.md"].Metadata
			if !strings.Contains(is.URL, amended) || was.Revision == is.Revision {
				t.Errorf("%s: the link is %s as of revision %q, before it was %q", name, is.URL, is.Revision, was.Revision)
			}
			if link := changes["back.md"].Metadata.URL; !strings.Contains(link, base) {
				t.Errorf("%s: a link to a commit that was thrown away: %s", name, link)
			}
			if was, is := before["a.md"].Metadata.Revision, changes["a.md"].Metadata.Revision; was != is {
				t.Errorf("%s: what was not replaced is read again: %q, %q", name, was, is)
			}
		}
	})
	t.Run("another branch", func(t *testing.T) {
		s.Git(t, "", "update-ref", "refs/heads/next/one", "main")
		s.settings["branch"] = "next/one"
		s.Commit(t, map[string]string{"a.md": "only on main"})
		changes, _ := read(t, s.connect(t), "")
		if text, _ := content(t, changes["a.md"]); text != "a" {
			t.Errorf("a.md of the branch is %q", text)
		}
	})
}

// A run is broken off, the branch moves on, and again: nothing is told twice without
// need, and nothing is left out, also not what is as it was before.
func TestBrokenOffWhileTheBranchMoves(t *testing.T) {
	s := serve(t)
	files := map[string]string{}
	for i := range 8 {
		files[fmt.Sprintf("%d.md", i)] = "first"
	}
	s.Commit(t, files)
	c := s.connect(t)
	known := map[string]string{}
	cursor := readSome(t, c, "", 3, known) // 0, 1, 2
	s.Commit(t, map[string]string{"0.md": "second", "5.md": "second", "1.md": "second"})
	cursor = readSome(t, s.connect(t), cursor, 1, known) // 0
	s.Commit(t, map[string]string{"0.md": "first", "1.md": "first", "7.md": ""})
	told := len(known)
	cursor = readSome(t, s.connect(t), cursor, 1000, known)
	if told != 3 {
		t.Errorf("%d files were known before", told)
	}
	want := map[string]string{}
	for name := range files {
		want[name] = "first"
	}
	want["5.md"] = "second"
	delete(want, "7.md")
	if diff := cmp.Diff(want, known); diff != "" {
		t.Errorf("known is something else (-there +known):\n%s", diff)
	}
	changes, again := read(t, s.connect(t), cursor)
	if len(changes) != 0 || again != cursor {
		t.Errorf("nothing has changed, and it tells %q", summary(t, changes))
	}
}

func TestIgnoreFilesAndSettingsThatChange(t *testing.T) {
	s := serve(t)
	s.Commit(t, map[string]string{"a.md": "a", "b/c.md": "c", ".cairnignore": "b/\n"})
	changes, cursor := read(t, s.connect(t), "")
	if diff := cmp.Diff([]string{"a.md"}, summary(t, changes)); diff != "" {
		t.Error(diff)
	}
	s.Commit(t, map[string]string{".cairnignore": "a.md\n"})
	c := s.connect(t)
	if changes, cursor = read(t, c, cursor); !cmp.Equal([]string{"b/c.md"}, summary(t, changes)) || !cmp.Equal([]string{"b/c.md"}, connectortest.List(t, c)) {
		t.Errorf("after .cairnignore has changed: %q", summary(t, changes))
	}
	s.settings["exclude"] = "nothing"
	if changes, _ = read(t, s.connect(t), cursor); !cmp.Equal([]string{"b/c.md"}, summary(t, changes)) {
		t.Errorf("after a setting has changed: %q", summary(t, changes))
	}
	if changes, _ = read(t, s.connect(t), "no cursor of ours"); !cmp.Equal([]string{"b/c.md"}, summary(t, changes)) {
		t.Errorf("with another's cursor: %q", summary(t, changes))
	}
}

// A content of long ago, which the host believes is here, comes back; and what is too
// large is not fetched, in whichever way it comes.
func TestContentsThatWereNotFetched(t *testing.T) {
	s := serve(t, "max_size", "10kB")
	s.Commit(t, map[string]string{"docs/a.md": "the first text", "docs/large.md": noise(50_000)})
	s.Commit(t, map[string]string{"docs/a.md": "the second text", "x.md": "x"})
	_, cursor := read(t, s.connect(t), "")
	s.Commit(t, map[string]string{"docs/a.md": "the first text", "huge.md": noise(200_000), "docs/b.md": "b"})
	changes, cursor := read(t, s.connect(t), cursor)
	if diff := cmp.Diff([]string{"docs/a.md", "docs/b.md", "huge.md too_large"}, summary(t, changes)); diff != "" {
		t.Error(diff)
	}
	if text, err := content(t, changes["docs/a.md"]); text != "the first text" {
		t.Errorf("it is %q, %v", text, err)
	}
	if size := sizeOf(t, s.remote.Env.WorkDir); size > 40_000 {
		t.Errorf("the copy has %d bytes", size)
	}
	s.settings["max_size"] = "1MB" // another copy
	changes, _ = read(t, s.connect(t), cursor)
	if text, err := content(t, changes["huge.md"]); len(text) != 200_000 {
		t.Errorf("the file that may be read now has %d bytes: %v", len(text), err)
	}
	if clones, _ := filepath.Glob(filepath.Join(s.remote.Env.WorkDir, "clone-*")); len(clones) != 1 {
		t.Errorf("there are %d copies", len(clones))
	}
}

func TestCommits(t *testing.T) {
	s := serve(t, "commits", "2", "include", "a.md")
	s.Commit(t, map[string]string{"a.md": "a"})
	b := s.Commit(t, map[string]string{"b.md": "b"})
	c := s.Commit(t, map[string]string{"c.md": "c", "b.md": ""})
	changes, cursor := read(t, s.connect(t), "")
	if diff := cmp.Diff(sorted("/commits/"+b, "/commits/"+c, "a.md"), summary(t, changes)); diff != "" {
		t.Fatalf("other documents (-want +got):\n%s", diff)
	}
	got := changes["/commits/"+c]
	text, _ := content(t, got)
	if text != "Commit 3\n\nChanged files:\nb.md\nc.md\n" || got.Metadata.Title != "Commit 3" || got.Metadata.Author != gittest.Author ||
		got.Metadata.URL != s.URL+"/acme/handbook/commit/"+c || got.Metadata.Kind != "commit" {
		t.Errorf("the commit is %+v\n%s", got.Metadata, text)
	}
	d := s.Commit(t, map[string]string{"a.md": "a again"})
	again := s.connect(t)
	changes, _ = read(t, again, cursor)
	if diff := cmp.Diff(sorted("/commits/"+d, "a.md"), summary(t, changes)); diff != "" {
		t.Errorf("other documents (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sorted("/commits/"+c, "/commits/"+d, "a.md"), connectortest.List(t, again)); diff != "" {
		t.Errorf("another listing (-want +got):\n%s", diff)
	}
	s.settings["commits"] = "all"
	if changes, _ := read(t, s.afresh(t), ""); len(changes) != 6 {
		t.Errorf("with all commits, there are %q", summary(t, changes))
	}
}

// Messages, names and paths may hold whatever git lets through.
func TestHostileCommits(t *testing.T) {
	s := serve(t, "commits", "all")
	message := "subject \x01\x02\x03\n\n:100644 100644 1 2 M\n\x03\x01\xff\n"
	s.Import(t, fmt.Sprintf("commit refs/heads/main\nauthor A\x02\x03\xff <a> 9999999999 +0000\ncommitter \x01\x03 <b> 9999999999 +0000\ndata %d\n%s\nfrom refs/heads/main^0\n"+
		"M 100644 inline \"\\001\\003:1 2\\nx.md\"\ndata 1\nx\n", len(message), message))
	changes, _ := read(t, s.connect(t), "")
	if len(changes) != 3 || changes["\x01\x03:1 2\nx.md"].Metadata.Attributes["commit"] == "" {
		t.Errorf("got %q", summary(t, changes))
	}
}

// What a process leaves that was killed, or a disk that lost something, ends in a copy
// that is made anew.
func TestDamagedCopies(t *testing.T) {
	s := serve(t)
	s.Put(t, "one", "One", "text")
	_, cursor := read(t, s.connect(t), "")
	clones, _ := filepath.Glob(filepath.Join(s.remote.Env.WorkDir, "clone-*"))
	// Whether what is there is mended, or thrown away.
	kept := map[string]bool{"locks": true, "config": true, "evil config": true, "no objects": true, "no HEAD": true, "half a pack": true}
	for name, damage := range map[string]func(dir string) error{
		"locks": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "refs", "cairn", "head.lock"), nil, 0o600)
		},
		"no objects": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "objects", "pack")) },
		"half a pack": func(dir string) error {
			packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
			for _, p := range packs {
				err = errors.Join(err, os.Chmod(p, 0o600), os.Truncate(p, 40))
			}
			return err
		},
		"a ref in the way": func(dir string) error {
			oid, err := os.ReadFile(filepath.Join(dir, "refs", "cairn", "head"))
			fresh := filepath.Join(dir, "refs", "cairn", "fresh")
			return errors.Join(err, os.Remove(fresh), os.Mkdir(fresh, 0o700), os.WriteFile(filepath.Join(fresh, "x"), oid, 0o600))
		},
		"no HEAD": func(dir string) error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"config":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "config"), []byte("[core"), 0o600) },
		"evil config": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "config"), []byte("[core]\n\tsshCommand = touch /tmp/evil\n[include]\n\tpath = /etc/passwd\n"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			mark := filepath.Join(clones[0], "mark")
			if err := errors.Join(damage(clones[0]), os.WriteFile(mark, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			s.Put(t, "two", "Two", "text of "+name)
			got, next := read(t, s.connect(t), cursor)
			if text, err := content(t, got[gittest.File("two")]); !strings.Contains(text, "text of "+name) {
				t.Errorf("the file that has changed is %q, %v", text, err)
			}
			cursor = next
			if _, err := os.Stat(mark); (err == nil) != kept[name] {
				t.Errorf("the copy was kept: %v", err == nil)
			}
		})
	}
}

// A host that speaks the first version of the protocol gives out no folders.
func TestOldHosts(t *testing.T) {
	for _, filters := range []bool{true, false} {
		s := serve(t, "max_size", "10kB")
		s.Old, s.Filters = true, filters
		s.Commit(t, map[string]string{"a.md": "a", "docs/large.md": noise(50_000)})
		changes, cursor := read(t, s.connect(t), "")
		if diff := cmp.Diff([]string{"a.md", "docs/large.md too_large"}, summary(t, changes)); diff != "" {
			t.Errorf("filters %v: %s", filters, diff)
		}
		s.Commit(t, map[string]string{"b.md": "b"})
		changes, _ = read(t, s.connect(t), cursor)
		if text, err := content(t, changes["b.md"]); len(changes) != 1 || text != "b" {
			t.Errorf("filters %v: the new file is %q, %v", filters, text, err)
		}
	}
}

// A pack of contents that was lost is no reason to call files too large.
func TestLostContents(t *testing.T) {
	s := serve(t)
	s.Put(t, "one", "One", "text")
	read(t, s.connect(t), "")
	found, _ := filepath.Glob(filepath.Join(s.remote.Env.WorkDir, "clone-*", "objects", "pack", "*.idx"))
	lost := 0
	for _, p := range found {
		if !strings.Contains(s.Git(t, "", "verify-pack", "-v", p), " blob ") {
			continue
		}
		lost++
		for _, ext := range []string{".idx", ".pack", ".promisor"} {
			if err := os.Remove(strings.TrimSuffix(p, ".idx") + ext); err != nil {
				t.Fatal(err)
			}
		}
	}
	changes, _ := read(t, s.connect(t), "")
	if text, err := content(t, changes[gittest.File("one")]); lost == 0 || !strings.Contains(text, "text") {
		t.Errorf("%d packs were lost, the file is %q, %v", lost, text, err)
	}
}

// noise is text that cannot be packed.
func noise(n int) string {
	b := make([]byte, n/2)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return hex.EncodeToString(b)
}
