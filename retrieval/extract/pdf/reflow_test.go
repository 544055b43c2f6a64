package pdf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// at returns a line of 11 points that begins at x on the base line y.
func at(x, y float64, text string) line {
	return line{text: text, left: x, right: x + 5.5*float64(len(text)), top: y + 8, bottom: y, size: 11}
}

func TestParagraphs(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []line
		want  []string
	}{
		{"hyphens", []line{
			at(72, 700, "The thermometer of the inter-"), at(72, 686, "national laboratory is well-"), at(72, 672, "known, as is the thermo\u00ad"), at(72, 658, "meter in Saint-"), at(72, 644, "Denis. It is well-known."),
		}, []string{"The thermometer of the international laboratory is well-known, as is the thermometer in Saint-Denis. It is well-known."}},
		{"spacing", []line{
			at(72, 700, "This line goes on to the margin of the page and"), at(72, 686, "ends here, near the margin, with a full stop."), at(72, 664, "Another paragraph, which is long enough, says"), at(72, 650, "more."),
		}, []string{"This line goes on to the margin of the page and ends here, near the margin, with a full stop.", "Another paragraph, which is long enough, says more."}},
		{"short last line", []line{
			at(72, 700, "This line goes on to the margin of the page and"), at(72, 686, "ends."), at(72, 672, "Another paragraph that follows without a space."),
		}, []string{"This line goes on to the margin of the page and ends.", "Another paragraph that follows without a space."}},
		{"list", []line{
			at(72, 700, "The following is needed for the visit:"), at(72, 686, "1. a passport that is valid for three months"), at(72, 672, "2. a ticket"),
		}, []string{"The following is needed for the visit:", "1. a passport that is valid for three months", "2. a ticket"}},
		{"cells", []line{
			at(72, 700, "Tern T3, with"), at(72, 688, "its cable"), at(250, 694, "149 euros"), at(400, 694, "in May"), at(72, 660, "Skua"), at(250, 660, "640 euros"),
		}, []string{"Tern T3, with its cable | 149 euros | in May", "Skua | 640 euros"}},
	} {
		p := page{lines: c.lines}
		if diff := cmp.Diff(c.want, p.paragraphs(vocabulary([]page{p}))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestJoinPages(t *testing.T) {
	pages := [][]string{{"Whole.", "A sentence of some length that is divided by the inter-"}, {"national border of pages.", "Next."}, {"New page."}}
	joinPages(pages)
	want := [][]string{{"Whole.", "A sentence of some length that is divided by the international border of pages."}, {"Next."}, {"New page."}}
	if diff := cmp.Diff(want, pages); diff != "" {
		t.Error(diff)
	}
}

func TestDate(t *testing.T) {
	for in, want := range map[string]string{
		"D:20260504120000+02'00'": "2026-05-04T10:00:00Z", "D:20260504120000Z": "2026-05-04T12:00:00Z", "D:20260504": "2026-05-04T00:00:00Z", "May": "0001-01-01T00:00:00Z",
	} {
		if got := date(in).Format("2006-01-02T15:04:05Z07:00"); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
