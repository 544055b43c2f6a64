package server

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Switch is a setting that is on or off.
type Switch bool

// UnmarshalText reads on, off, true, false, yes, no, 1 or 0.
func (s *Switch) UnmarshalText(b []byte) error {
	switch strings.ToLower(string(b)) {
	case "on", "true", "yes", "1":
		*s = true
	case "off", "false", "no", "0":
		*s = false
	default:
		return fmt.Errorf("%q is neither on nor off", b)
	}
	return nil
}

// UnmarshalYAML reads the same, quoted or not.
func (s *Switch) UnmarshalYAML(n *yaml.Node) error { return s.UnmarshalText([]byte(n.Value)) }

// MarshalText gives on or off.
func (s Switch) MarshalText() ([]byte, error) {
	if s {
		return []byte("on"), nil
	}
	return []byte("off"), nil
}

// Days is a number of days.
type Days int

// UnmarshalText reads a number, alone or with a d behind it.
func (d *Days) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(strings.TrimSuffix(string(b), "d"))
	if err != nil {
		return fmt.Errorf("%q is no number of days; write it as in 400d", b)
	}
	*d = Days(n)
	return nil
}

// UnmarshalYAML reads the same.
func (d *Days) UnmarshalYAML(n *yaml.Node) error { return d.UnmarshalText([]byte(n.Value)) }

// MarshalText gives the number with a d behind it.
func (d Days) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(d)) + "d"), nil }

// Duration returns the days as a time of 24 hours each.
func (d Days) Duration() time.Duration { return time.Duration(d) * 24 * time.Hour }

// SignIn says whether people must sign in.
type SignIn string

// The choices.
const (
	SignInAuto     SignIn = "auto"     // local mode when only this machine can reach the server
	SignInLocal    SignIn = "local"    // local mode, or no start
	SignInRequired SignIn = "required" // always
)

// UnmarshalText refuses other choices.
func (s *SignIn) UnmarshalText(b []byte) error {
	switch v := SignIn(b); v {
	case SignInAuto, SignInLocal, SignInRequired:
		*s = v
		return nil
	}
	return fmt.Errorf("%q is none of auto, local, required", b)
}

// Age is how long something is kept: days, as in 90d, or hours, as in 36h; 0 or off:
// for ever.
type Age time.Duration

// Duration returns the age; 0: for ever.
func (a Age) Duration() time.Duration { return time.Duration(a) }

// UnmarshalText reads the form of a variable.
func (a *Age) UnmarshalText(b []byte) error {
	text := strings.ToLower(strings.TrimSpace(string(b)))
	if text == "off" || text == "0" {
		*a = 0
		return nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 1 && n <= maxDays {
			*a = Age(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= time.Hour && d <= maxDays*24*time.Hour {
		*a = Age(d)
		return nil
	}
	return fmt.Errorf("%q is no age; give days or hours, as in 90d or 36h, or off", b)
}

// maxDays is a hundred years.
const maxDays = 36_500

// UnmarshalYAML reads the same, quoted or not.
func (a *Age) UnmarshalYAML(n *yaml.Node) error { return a.UnmarshalText([]byte(n.Value)) }

// MarshalText gives days where it can.
func (a Age) MarshalText() ([]byte, error) {
	switch d := time.Duration(a); {
	case d == 0:
		return []byte("off"), nil
	case d%(24*time.Hour) == 0:
		return fmt.Appendf(nil, "%dd", d/(24*time.Hour)), nil
	default:
		return []byte(d.String()), nil
	}
}

// Interval is how often something is done: minutes or hours, as in 5m; 0 or off: never.
type Interval time.Duration

// maxInterval keeps a slip of the pen from being as good as off.
const maxInterval = 24 * time.Hour

// Duration returns the time between two; 0: never.
func (i Interval) Duration() time.Duration { return time.Duration(i) }

// UnmarshalText reads the form of a variable.
func (i *Interval) UnmarshalText(b []byte) error {
	text := strings.ToLower(strings.TrimSpace(string(b)))
	if text == "off" || text == "0" {
		*i = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || d > maxInterval {
		return fmt.Errorf("%q is no interval; give 1m to 24h, as in 5m, or off", b)
	}
	*i = Interval(d)
	return nil
}

// UnmarshalYAML reads the same, quoted or not.
func (i *Interval) UnmarshalYAML(n *yaml.Node) error { return i.UnmarshalText([]byte(n.Value)) }

// MarshalText gives minutes and hours.
func (i Interval) MarshalText() ([]byte, error) {
	if i == 0 {
		return []byte("off"), nil
	}
	return []byte(time.Duration(i).String()), nil
}

// Zone is a time zone by its IANA name.
type Zone struct{ *time.Location }

// UTC is the Zone that holds when none is set.
var UTC = Zone{time.UTC}

// UnmarshalText looks the name up.
func (z *Zone) UnmarshalText(b []byte) error {
	loc, err := time.LoadLocation(string(b))
	if err != nil {
		return fmt.Errorf("%q is no time zone; give a name such as Europe/Berlin", b)
	}
	z.Location = loc
	return nil
}

// MarshalText gives the name.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// List is several values: in a variable, parted by the operating system's list
// separator (":" on Unix) or commas.
type List []string

// UnmarshalText reads the form of a variable.
func (l *List) UnmarshalText(b []byte) error {
	*l = split(string(b), string(os.PathListSeparator)+",")
	return nil
}

// UnmarshalYAML reads a sequence, or one string in the form of a variable.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return l.UnmarshalText([]byte(n.Value))
	}
	return n.Decode((*[]string)(l))
}

// Words is several words: in a variable, parted by blanks or commas.
type Words []string

// UnmarshalText reads the form of a variable.
func (w *Words) UnmarshalText(b []byte) error {
	*w = split(string(b), ", ")
	return nil
}

// UnmarshalYAML reads a sequence, or one string in the form of a variable.
func (w *Words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return w.UnmarshalText([]byte(n.Value))
	}
	return n.Decode((*[]string)(w))
}

// Networks is several networks in CIDR notation: in a variable, parted by commas
// or blanks.
type Networks []netip.Prefix

// UnmarshalText reads the form of a variable. A single address is a network of one.
func (ns *Networks) UnmarshalText(b []byte) error { return ns.parse(split(string(b), ", ")) }

// UnmarshalYAML reads a sequence, or one string in the form of a variable.
func (ns *Networks) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return ns.UnmarshalText([]byte(n.Value))
	}
	var items []string
	if err := n.Decode(&items); err != nil {
		return err
	}
	return ns.parse(items)
}

func (ns *Networks) parse(items []string) error {
	*ns = nil
	for _, item := range items {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			addr, err := netip.ParseAddr(item)
			if err != nil {
				return fmt.Errorf("%q is no network; write it as in 10.1.0.0/16", item)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		*ns = append(*ns, p.Masked())
	}
	return nil
}

// split cuts s at any of the separators and leaves out empty parts.
func split(s, separators string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
