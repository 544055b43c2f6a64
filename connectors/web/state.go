package web

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// state is what is known of a site between runs. It lies in a file that may be lost: then
// pages are asked for without conditions, and what was broken off begins anew.
type state struct {
	Form     int    // of this file
	Digest   string // of the settings
	Crawl    int64  // the newest crawl
	Finished bool   // all of it was yielded
	Saved    time.Time
	Pages    map[string]*page // by address
	Sitemaps map[string]bool  // that could be read once
	Names    []string         // addresses that links lead to: a Link is a place in it

	names map[string]int32

	dir    string // empty: none
	bodies bodies
}

// stateForm changes when older files cannot be read.
const stateForm = 1

// page is what is known of one address.
type page struct {
	Is           outcome
	To           string    `json:",omitempty"` // of an alias
	ETag         string    `json:",omitempty"`
	LastModified string    `json:",omitempty"`
	Lastmod      string    `json:",omitempty"` // in the sitemap
	MediaType    string    `json:",omitempty"`
	Revision     string    `json:",omitempty"`
	Size         int64     `json:",omitempty"`
	Links        []int32   `json:",omitempty"`
	Crawl        int64     // that asked for it last
	Seq          int       `json:",omitempty"` // when it was yielded there; 0: not yet
	Document     bool      `json:",omitempty"` // it was yielded as one, and no deletion of it is stored
	Deleted      bool      `json:",omitempty"` // what was yielded at Seq is its deletion
	Code, Reason string    `json:",omitempty"` // why it could not be read this time
	Away         bool      `json:",omitempty"` // because it leads elsewhere for a time
	Since        time.Time `json:",omitzero"`  // the reading failed first

	confirmed bool // by a 304, in this run
}

// outcome is what an address was the last time that it could be told.
type outcome string

// The outcomes.
const (
	unknown  outcome = ""
	document outcome = "document"
	alias    outcome = "alias"     // the site has the same page at another address
	moved    outcome = "moved"     // nothing but a way to another address
	silent   outcome = "not index" // a page that asks not to be found
	gone     outcome = "gone"
	other    outcome = "other" // no document: a picture, another site
)

func (p *page) failed() bool { return p.Code != "" }

// resumeWithin is how long after its last sign of life a crawl is gone on with, instead
// of asking for all pages anew.
const resumeWithin = time.Hour

func (st *state) resumable(now time.Time) bool {
	return st.Crawl != 0 && !st.Finished && now.Sub(st.Saved) < resumeWithin
}

// settle notes which deletions are stored, by the cursor of who has read them: those that
// were yielded before it. Others, such as those of a dry run, are told again.
func (st *state) settle(stored position) {
	for _, p := range st.Pages {
		if p.Deleted && p.Crawl == stored.crawl && p.Seq > 0 && p.Seq <= stored.seq {
			p.Document, p.Deleted = false, false
		}
	}
}

// forget drops what a complete crawl has not come by.
func (st *state) forget(crawl int64) {
	old := st.Names
	st.Names, st.names = nil, map[string]int32{}
	for at, p := range st.Pages {
		if p.Crawl != crawl {
			delete(st.Pages, at)
			continue
		}
		for i, link := range p.Links {
			p.Links[i] = st.link(old[link])
		}
	}
}

// link returns the place of an address in Names.
func (st *state) link(at string) int32 {
	if i, ok := st.names[at]; ok {
		return i
	}
	i := int32(len(st.Names)) //nolint:gosec // a site has fewer
	st.Names = append(st.Names, at)
	st.names[at] = i
	return i
}

// openState reads the state of a site; an empty one when there is none for these
// settings.
func openState(dir, digest string) *state {
	st := &state{dir: dir}
	if dir != "" {
		if read, err := readState(filepath.Join(dir, stateName)); err == nil && read.Form == stateForm && read.Digest == digest {
			st = read
			st.dir = dir
		}
		st.bodies.dir = filepath.Join(dir, "bodies")
	}
	st.names = make(map[string]int32, len(st.Names))
	for i, at := range st.Names {
		st.names[at] = int32(i) //nolint:gosec // a site has fewer
	}
	st.Form, st.Digest = stateForm, digest
	if st.Pages == nil {
		st.Pages = map[string]*page{}
	}
	if st.Sitemaps == nil {
		st.Sitemaps = map[string]bool{}
	}
	return st
}

const (
	stateName = "pages.json.gz"
	maxState  = 1 << 30 // bytes, unpacked
)

func readState(name string) (*state, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	st := &state{}
	if err := json.NewDecoder(io.LimitReader(z, maxState)).Decode(st); err != nil {
		return nil, err
	}
	for _, p := range st.Pages {
		if p == nil || len(p.Links) > 0 && int(slices.Max(p.Links)) >= len(st.Names) || len(p.Links) > 0 && slices.Min(p.Links) < 0 {
			return nil, errors.New("the file is damaged")
		}
	}
	return st, nil
}

// save writes the state as well as it can: it may be lost.
func (st *state) save(now time.Time) {
	st.Saved = now
	if st.dir == "" {
		return
	}
	if err := os.MkdirAll(st.dir, 0o700); err != nil {
		return
	}
	f, err := os.OpenFile(filepath.Join(st.dir, stateName+".new"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed)
	err = errors.Join(json.NewEncoder(z).Encode(st), z.Close(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(st.dir, stateName))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
