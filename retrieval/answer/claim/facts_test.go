package claim

import (
	"fmt"
	"strings"
	"testing"
)

func numbersOf(text, language string) string {
	var out []string
	for _, n := range Read(text, language).Numbers {
		s := fmt.Sprintf("%g", n.Value)
		if n.Unit != "" {
			s += " " + n.Unit
		}
		if n.Ordinal {
			s += " ordinal"
		}
		if n.Implied {
			s += " implied"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ language, text, want string }{
		{"en", "It costs $1,500 or 1.5 thousand dollars", "1500 USD, 1500 USD"},
		{"en", "within two weeks or 14 days", "20160 minute, 20160 minute"},
		{"en", "30 calendar days and 5 full working days", "43200 minute, 7200 minute"},
		{"en", "a 90-day limit, 3-5 hours, between 2 and 4 weeks", "129600 minute, 180 minute, 300 minute, 20160 minute, 40320 minute"},
		{"en", "25%, 25 percent, 25 per cent", "25 %, 25 %, 25 %"},
		{"en", "twenty-five people and one hundred and fifty-two cars", "25, 152"},
		{"en", "two thousand five hundred requests, a dozen, twice", "2500, 12, 2"},
		{"en", "one and a half hours, half an hour, 1½ hours, 2 and a half days", "90 minute, 30 minute, 90 minute, 3600 minute"},
		{"en", "EUR 50, 50 EUR, €50, € 50, 50 euros, £2.5m, $3 million", "50 EUR, 50 EUR, 50 EUR, 50 EUR, 50 EUR, 2.5e+06 GBP, 3e+06 USD"},
		{"en", "the 3rd attempt, the second try, the first one", "3 ordinal, 2 ordinal, 1 ordinal implied, 1 implied"},
		{"en", "12 months is one year", "12 month, 12 month"},
		{"en", "three times a week, weekly, every month", "3, 10080 minute implied, 10080 minute implied, 1 month implied"},
		{"en", "16 GB, 16GB, 2 TB, 500 ms", "1.6e+10 byte, 1.6e+10 byte, 2e+12 byte, 0.008333333333333333 minute"},
		{"en", "2 to 8 °C, -20 °C", "2 celsius, 8 celsius, -20 celsius"},
		{"en", "version 4.6.1, TERN-418, 2xlarge, v2", ""},
		{"en", "No. 5 of 7", "5, 7"},
		{"de", "1.500 Euro, 1,5 Prozent, 30 Tage, zwei Wochen", "1500 EUR, 1.5 %, 43200 minute, 20160 minute"},
		{"de", "fünfundzwanzig Personen, zweihundertfünfzig, 3 Mio. Euro", "25, 250, 3e+06 EUR"},
		{"de", "der zweite Versuch nach drei Monaten", "2 ordinal, 3 month"},
		{"fr", "1 500 euros, 25 %, deux semaines, vingt-cinq jours", "1500 EUR, 25 %, 20160 minute, 36000 minute"},
		{"fr", "le deuxième essai, trois mois", "2 ordinal, 3 month"},
		{"es", "1.500 euros, 25 por ciento, dos semanas, treinta y cinco días", "1500 EUR, 25 %, 20160 minute, 50400 minute"},
		{"es", "un millón de euros, veinticinco horas", "1e+06 EUR, 1500 minute"},
	} {
		if got := numbersOf(tt.text, tt.language); got != tt.want {
			t.Errorf("%s %q\n got %s\nwant %s", tt.language, tt.text, got, tt.want)
		}
	}
}

func datesOf(text, language string) string {
	var out []string
	for _, d := range Read(text, language).Dates {
		s := fmt.Sprintf("%d-%d-%d", d.Year, d.Month, d.Day)
		if d.Quarter > 0 {
			s += fmt.Sprintf(" Q%d", d.Quarter)
		}
		if d.Weekday > 0 {
			s += fmt.Sprintf(" w%d", d.Weekday)
		}
		if d.Clock > 0 {
			s += fmt.Sprintf(" %02d:%02d", (d.Clock-1)/60, (d.Clock-1)%60)
		}
		if d.Swapped {
			s += " swapped"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestDates(t *testing.T) {
	for _, tt := range []struct{ language, text, want string }{
		{"en", "2026-03-15, 15 March 2026, March 15, 2026, the 15th of March", "2026-3-15, 2026-3-15, 2026-3-15, 0-3-15"},
		{"en", "On Tuesday, 3 March 2026. Every Monday. March 2026", "2026-3-3 w2, 0-0-0 w1, 2026-3-0"},
		{"en", "15/03/2026 or 03/15/2026 or 03/04/2026", "2026-3-15, 2026-3-15, 2026-4-3 swapped"},
		{"en", "You may march in May, in 2026, by Sept 5", "0-5-0, 2026-0-0, 0-9-5"},
		{"en", "at 14:30, 2 pm, 2:30 p.m., 9am-5pm, noon", "0-0-0 14:30, 0-0-0 14:00, 0-0-0 14:30, 0-0-0 09:00, 0-0-0 17:00, 0-0-0 12:00"},
		{"en", "Q3 2026, the second quarter of 2025, Mon–Fri", "2026-0-0 Q3, 2025-0-0 Q2, 0-0-0 w1, 0-0-0 w5"},
		{"de", "am 3. März 2026, 15.03.2026, am 15.03. um 9 Uhr, dienstags, Dienstags, im Mai", "2026-3-3, 2026-3-15, 0-3-15, 0-0-0 09:00, 0-0-0 w2, 0-0-0 w2, 0-5-0"},
		{"de", "im 2. Quartal 2026 am Mittwoch, den 4. Februar", "2026-0-0 Q2, 0-2-4 w3"},
		{"fr", "le 15 mars 2026, le mardi 3 mars, le 1er janvier à 14h30", "2026-3-15, 0-3-3 w2, 0-1-1, 0-0-0 14:30"},
		{"es", "el 15 de marzo de 2026, el martes, el 1 de enero a las 14:30", "2026-3-15, 0-0-0 w2, 0-1-1, 0-0-0 14:30"},
	} {
		if got := datesOf(tt.text, tt.language); got != tt.want {
			t.Errorf("%s %q\n got %s\nwant %s", tt.language, tt.text, got, tt.want)
		}
	}
}
