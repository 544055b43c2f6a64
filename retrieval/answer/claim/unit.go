package claim

import "strings"

// unit is a measure with the factor that leads to the base unit of its
// dimension. Dimensions are named by their base unit.
type unit struct {
	base   string
	factor float64
}

// The base units of the dimensions that have more than one unit.
const (
	baseTime  = "minute"
	baseMonth = "month"
	basePart  = "%"
)

// units maps words and symbols, in lower case, to measures.
var units = func() map[string]unit {
	m := map[string]unit{}
	add := func(base string, factor float64, words string) {
		for w := range strings.FieldsSeq(words) {
			m[w] = unit{base, factor}
		}
	}
	const minute, hour, day = 1.0, 60.0, 1440.0
	add(baseTime, minute/60000, "ms msec millisecond milliseconds millisekunde millisekunden milliseconde millisecondes milisegundo milisegundos")
	add(baseTime, minute/60, "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos")
	add(baseTime, minute, "min mins minute minutes minuten minuto minutos")
	add(baseTime, hour, "h hr hrs hour hours stunde stunden std heure heures hora horas")
	add(baseTime, day, "d day days tag tage tagen tages arbeitstag arbeitstage arbeitstagen werktag werktage werktagen kalendertag kalendertage kalendertagen urlaubstag urlaubstage jour jours journée journées día días dia dias")
	add(baseTime, 7*day, "week weeks wk wks woche wochen semaine semaines semana semanas")
	add(baseTime, 14*day, "fortnight fortnights")
	add(baseMonth, 1, "month months monat monate monaten monats mois mes meses")
	add(baseMonth, 3, "quarters quartale trimestre trimestres")
	add(baseMonth, 12, "year years yr yrs jahr jahre jahren jahres an ans année années año años")
	add(baseMonth, 120, "decade decades jahrzehnt jahrzehnte décennie décennies década décadas")
	add(basePart, 1, "% percent percents prozent pct")
	add("EUR", 1, "€ eur euro euros")
	add("USD", 1, "$ usd dollar dollars dólar dólares us$")
	add("GBP", 1, "£ gbp pound pounds pfund sterling")
	add("CHF", 1, "chf franken")
	add("JPY", 1, "¥ jpy yen")
	const kilo, mega, giga, tera = 1e3, 1e6, 1e9, 1e12
	add("byte", 1, "byte bytes")
	add("byte", kilo, "kb kilobyte kilobytes ko kib")
	add("byte", mega, "mb megabyte megabytes mo mib")
	add("byte", giga, "gb gigabyte gigabytes go gib")
	add("byte", tera, "tb terabyte terabytes to tib")
	add("metre", 1, "metre metres meter meters mètre mètres metro metros")
	add("metre", .001, "mm millimetre millimetres millimeter millimeters")
	add("metre", .01, "cm centimetre centimetres centimeter centimeters zentimeter")
	add("metre", kilo, "km kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres kilómetro kilómetros")
	add("mile", 1, "mile miles")
	add("gram", 1, "g gram grams gramm gramme grammes gramo gramos")
	add("gram", kilo, "kg kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos")
	add("gram", mega, "t tonne tonnes tonnen tonelada toneladas")
	add("litre", 1, "l litre litres liter liters litern litro litros")
	add("litre", .001, "ml millilitre millilitres milliliter milliliters")
	add("celsius", 1, "°c celsius")
	add("fahrenheit", 1, "°f fahrenheit")
	add("degree", 1, "° degree degrees grad degré degrés grado grados")
	add("watt", 1, "w watt watts")
	add("watt", kilo, "kw kilowatt kilowatts")
	add("watt-hour", kilo, "kwh")
	add("volt", 1, "v volt volts")
	add("hertz", 1, "hz hertz")
	add("hertz", mega, "mhz megahertz")
	add("hertz", giga, "ghz gigahertz")
	add("", kilo, "k thousand tausend mille mil")
	add("", mega, "million millions mio millionen millón millones m")
	add("", giga, "bn billion billions mrd milliarde milliarden milliard milliards")
	return m
}()

// multiplier reports whether u is "thousand" or the like rather than a measure.
func (u unit) multiplier() bool { return u.base == "" }

// unitAdjectives may stand between a number and its unit: "30 calendar days".
var unitAdjectives = set(`calendar business working consecutive full whole paid additional more further extra natural unpaid other straight
	volle vollen ganze weitere weiteren bezahlte bezahlten aufeinanderfolgende zusätzliche besonders`)

// frenchUnits are units in French and other words elsewhere.
var frenchUnits = set("to go mo ko an ans")

// unitOf returns the measure that a word in lower case names.
func unitOf(word, language string, glued bool) (unit, bool) {
	u, ok := units[word]
	if !ok || language != "fr" && frenchUnits[word] || language != "es" && language != "fr" && word == "mes" {
		return unit{}, false
	}
	if len(word) == 1 && !glued && word[0] >= 'a' && word != "h" && word != "s" {
		return unit{}, false
	}
	return u, true
}

// Measure returns the base unit of the dimension that a word in lower case
// measures, as Number.Unit has it: "minute" for "weeks", "EUR" for "euros".
func Measure(word, language string) (base string, ok bool) {
	u, ok := unitOf(word, language, false)
	return u.base, ok && !u.multiplier()
}

// unitPhrases are units of two words.
var unitPhrases = map[string]unit{
	"per cent":    {basePart, 1},
	"pour cent":   {basePart, 1},
	"por ciento":  {basePart, 1},
	"° c":         {"celsius", 1},
	"° f":         {"fahrenheit", 1},
	"degrees c":   {"celsius", 1},
	"degrees f":   {"fahrenheit", 1},
	"swiss franc": {"CHF", 1}, "swiss francs": {"CHF", 1},
}
