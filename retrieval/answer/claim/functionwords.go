package claim

import (
	"strings"
	"unicode"
)

func isWordRune(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) }

// set returns the words of a text as a set.
func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// functionWords carry grammar and hardly any content.
var functionWords = map[string]map[string]bool{ //nolint:misspell // other languages
	"en": set(`a about above across after again all along already also although always am among an and another any anybody anyone anything are
		around as at back be because been before being below between beyond both but by can cannot could did do does doing done down during each
		either else ever every everybody everyone everything few for from further get gets got had has have having he hence her here hers him his how
		however i if in instead into is it its itself just least less let like made make makes many may me might mine more most much must my myself near
		need needs neither never no nobody none nor not nothing now of off often on once only onto or other others otherwise our ours out over own per
		perhaps rather s same shall she should since so some somebody someone something soon still such take takes than that the their theirs them
		themselves then there therefore these they this those though through throughout thus till to together too toward towards under until up upon us
		use used uses using very via was we well were what whatever when whenever where wherever whether which while who whoever whole whom whose why
		will with within without would yet you your yours yourself t re ll ve d m don doesn didn isn aren wasn weren won can't don't doesn't didn't isn't
		aren't wasn't weren't won't wouldn't shouldn't couldn't hasn't haven't hadn't mustn't needn't e.g i.e etc`),
	"de": set(`ab aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf aus bei beim bevor bin bis bist da
		dabei dadurch dafür dagegen daher dahin damit danach daneben dann daran darauf daraus darf darin darüber darum darunter das dass davon dazu dein
		deine dem den denen denn dennoch der deren des deshalb dessen die dies diese diesem diesen dieser dieses doch dort du durch dürfen ebenso ein
		eine einem einen einer eines einige er es etwa etwas euch euer für gegen gibt haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre
		ihrem ihren ihrer ihres im immer in indem ins ist ja je jede jedem jeden jeder jedes jedoch jemand jetzt kann kein keine keinem keinen keiner
		können könnte man mehr mein meine mit muss müssen musste nach nachdem neben nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen
		seiner seit selbst sich sie sind so sobald sofern soll sollen sollte sondern sonst soweit sowie über um und uns unser unsere unter vom von vor
		wann war waren warum was weil welche welchem welchen welcher welches wenn wer werde werden wie wieder will wir wird wo wobei wohin wollen worden
		wurde wurden während zu zum zur zwar zwischen z.b d.h bzw`),
	"fr": set(`à afin ai ainsi alors après au aucun aucune aussi autre autres aux avant avec avoir c car ce ceci cela celle celles celui ces cet cette ceux
		chaque chez ci comme comment d dans de dehors depuis des dès donc dont du durant elle elles en encore entre est et été être eu eux fait faire
		faut fois font hors il ils j je jusqu jusque l la là le les lequel leur leurs lors lorsque lui m ma mais me même mêmes mes moi moins mon n ne
		ni non nos notre nous on ont ou où par parce pas pendant peu peut peuvent plus plusieurs pour pourquoi puis qu quand que quel quelle quelles quels
		qui quoi s sa sans sauf se selon ses seulement si sinon soit son sont sous sur t ta tandis te tel telle tes toi ton toujours tous tout toute
		toutes très trop tu un une vers via vos votre vous y doit doivent`),
	"es": set(`a al algo algún alguna algunas algunos allí ante antes aquel aquella aquí así aún aunque bajo bien cada casi como cómo con contra cual cuál
		cuales cualquier cuando cuándo cuanto cuánto de debe deben del desde después donde dónde dos durante e el él ella ellas ellos en entonces entre
		era es esa esas ese eso esos esta está estas este esto estos están fue ha hace hacia han hasta hay la las le les lo los más me mediante menos mi
		mientras mis muy nada ni no nos nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues puede pueden que qué quien
		quién se sea según ser si sí sido siempre sin sino sobre solo sólo son su sus tal también tampoco tan tanto te tiene tienen toda todas todavía
		todo todos tras tu tus u un una unas uno unos usted ustedes y ya yo`),
}

// tellingWords tells languages apart: the function words that are long enough.
var tellingWords = func() map[string][]string {
	out := map[string][]string{}
	for _, language := range []string{"en", "de", "fr", "es"} {
		for w := range functionWords[language] {
			out[w] = append(out[w], language)
		}
	}
	return out
}()

// IsFunctionWord reports whether a word in lower case carries grammar rather
// than content in a language; for unknown languages English is assumed.
func IsFunctionWord(lower, language string) bool {
	words, ok := functionWords[language]
	if !ok {
		words = functionWords["en"]
	}
	return words[lower]
}
