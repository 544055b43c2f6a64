package lexical

import (
	"strings"
	"sync"
)

// functionWeight is what a function word of a question counts beside a content
// word. Their inverse document frequency alone leaves them too heavy: "how" and
// "does" are rare in documentation and common in questions about it. By words alone
// nDCG@10 rises by .04 on a product's documentation and by .03 on conversations;
// together with vectors that is .01 and .02, and questions for code lose .01. How it
// was checked: docs/evaluation.md, "What is fitted, and on what".
const functionWeight = 0.25

// functionWords returns, by language, words that carry grammar rather than
// content. Languages without a list rely on document frequencies alone.
var functionWords = sync.OnceValue(func() map[string]map[string]bool {
	sets := make(map[string]map[string]bool, len(functionLists))
	for language, list := range functionLists {
		sets[language] = map[string]bool{}
		for w := range strings.FieldsSeq(list) {
			sets[language][w] = true
		}
	}
	sets["nb"], sets["nn"] = sets["no"], sets["no"] // the list is of both
	return sets
})

// functionLanguage returns the language of which the words hold the most function
// words, the first of equals; "" when none.
func functionLanguage(words []string, languages []string) string {
	best, most := "", 0
	for _, l := range languages {
		n := 0
		for _, w := range words {
			if functionWords()[l][w] {
				n++
			}
		}
		if n > most {
			best, most = l, n
		}
	}
	return best
}

// FunctionLanguage returns the language whose function words a text holds most of, and
// their share of its words, 0..1; no language where two have as many, or none has one.
func FunctionLanguage(text string) (language string, share float64) {
	counts, words := make(map[string]int, len(functionLists)), 0
	scan(text, func(t token) {
		if t.kind != kindWord {
			return
		}
		words++
		for l := range functionLists {
			if functionWords()[l][t.text] {
				counts[l]++
			}
		}
	})
	most := 0
	for l, n := range counts {
		switch {
		case n > most:
			language, most = l, n
		case n == most:
			language = ""
		}
	}
	if most == 0 {
		return "", 0
	}
	return language, float64(most) / float64(words)
}

var functionLists = map[string]string{
	"en": `a about above after again against all am an and any are as at be because been before being below
between both but by can could did do does doing don down during each few for from further had has have having
he her here hers herself him himself his how i if in into is it its itself just may me might more most must my
myself no nor not of off on once only or other our ours ourselves out over own please s same shall she should
so some such t than that the their theirs them themselves then there these they this those through to too
under until up upon us very was we were what when where which while who whom whose why will with would you
your yours yourself yourselves`,
	"de": `aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist bitte
da damit dann das dass dein deine dem den denn der des dessen die dies diese diesem diesen dieser dieses dir doch
dort du durch ein eine einem einen einer eines er es etwas euch euer für gegen gibt habe haben hat hatte hatten
hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist jede jedem jeden jeder jedes jetzt kann
kein keine können könnte mein meine mich mir mit muss müssen nach nicht noch nun nur ob oder ohne sehr sein seine
sich sie sind so soll sollen sollte über um und uns unser unsere unter vom von vor wann warum was weil welche
welchem welchen welcher welches wem wen wenn wer werde werden wessen wie wieder will wir wird wo wurde wurden
während zu zum zur zwischen`,
	"fr": `à ai alors après as au aucun aussi autre aux avant avec avez avoir avons c ça car ce ceci cela ces cet
cette ceux chaque chez ci combien comme comment d dans de depuis des dois doit doivent donc du elle elles en entre
es est et étaient était étant été être eu eux faire fait faut il ils j je jusque l la là laquelle le lequel les
lesquels leur leurs lors lui m ma mais me même mes moi mon n ne ni nos notre nous on ont ou où par pas pendant peu
peut peuvent plus pour pourquoi puis qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si son
sont sous sur t ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y`,
	"es": `a al algo alguna algunas alguno algunos ante antes aquel aquella así aun aunque bajo cada como cómo con
contra cual cuál cuales cuáles cualquier cuando cuándo cuánto cuántos de debe deben debo del desde donde dónde dos
durante e el él ella ellas ellos en entre era eran eres es esa esas ese eso esos esta está están estar estas este
esto estos fue fueron ha había hacer hacia han hasta hay he la las le les lo los más me mi mis mucho muy nada ni
no nos nosotros nuestra nuestro o os otra otras otro otros para pero por porque pueda puede pueden puedo qué que
quien quién quienes se sea según ser si sí sido sin sobre son su sus también tan tanto te tengo tiene tienen toda
todas todo todos tu tus un una unas uno unos usted ustedes y ya yo`,
	"it": `a abbiamo ad agli ai al alla alle allo altri altro anche ancora avere c che chi ci ciò come con così cosa
cui d da dagli dai dal dalla dalle dallo degli dei del dell della delle dello deve devo devono di dopo dove dov e è
ed era erano essere fa fare fra gli ha hai hanno ho i il in io l la le lei li lo loro lui ma mi mia mio molto ne
negli nei nel nella nelle nello no noi non nostra nostro o ogni per perché però più possiamo posso possono può
quale quali quando quanti quanto quella quelle quelli quello questa queste questi questo qui se sei senza si sia
siamo sono sta stato su sua sue sugli sui sul sulla sulle suo suoi tra tu tua tuo tutta tutte tutti tutto un una
uno v vi voi`,
	"pt": `a ao aos aquela aquele aquilo as às até cada com como da das de dela dele deles depois deve devem devo do
dos e é ela elas ele eles em entre era eram essa essas esse esses esta está estão estas este estes eu faz fazer foi
foram há isso isto já lhe mais mas me mesmo meu meus minha muito na não nas nem no nos nós nossa nosso num numa o
onde os ou para pela pelas pelo pelos por porque pode podem posso quais qual quando quanto quantos que quê quem
são se seja sem ser será seu seus só sobre sua suas também te tem têm tenho ter teu todas todos tu tudo um uma umas
uns você vocês vos`,
	"nl": `aan af al alle alles als altijd andere ben bij binnen dan dat de deze die dit doen door dus een en er geen
haar had hebben hebt heeft hem het hier hij hoe hoeveel hun ik in is ja je jij jouw jullie kan kunnen kunt maar me
meer men met mij mijn moet moeten mag mogen na naar niet niets nog nu of om omdat ons onze ook op over te tegen
tijdens toch toen tot tussen u uit uw van veel voor waar waarom wanneer want waren was wat we wel welk welke werd
wie wij wil word worden wordt zal ze zelf zich zij zijn zo zonder zou`,
	"sv": `alla allt att av bara blir bli blev de dem den denna deras dess dessa det detta dig din dina ditt du där
då efter eller en er ert ett från för får få göra gör ha hade han hans har henne hennes hon honom hur här i icke
ingen inom inte jag kan kunna kunde man med mellan men mig min mina mitt mot mycket måste ni nu någon något några
när och om oss på sedan sig sin sina sitt ska skall skulle som så till under upp ut utan vad var vara varför varit
vem vi vid vilka vilken vilket vill vår våra vårt än är åt över`,
	"da": `ad af al alle alt anden at blev blive bliver da de dem den denne deres det dette dig din dine disse dit dog
du efter eller en end er et for fra få får gør gøre ham han hans har have havde hende her hos hun hvad hvem hver
hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind ingen jeg jer kan kunne man mange med meget
mellem men mig min mine mit mod må ned noget nogle når nu og også om op os over på selv sig sin sine sit skal
skulle som så thi til ud under var vi vil ville vor være været`,
	"no": `alle at av bare begge ble bli blir da de deg dem den denne der deres det dette di din disse ditt du dykk
då eg ein eit eller en enn er et etter for fordi fra få får før gjør gjøre ha hadde han hans har henne her hjå ho
hun hva hvem hver hvilke hvilken hvis hvor hvordan hvorfor i ikke inn ingen jeg kan korleis kun kunne kva kvar
man mange med meg meget mellom men mer min mitt mot må når nå og også om opp oss over på samme seg selv sin sine
sitt skal skulle slik som så til ut uten var ved vi vil ville vår være vært`,
	"ru": `а без более бы был была были было быть в вам вас весь во вот все всего всех вы где да для до его ее её если
есть ещё еще же за здесь и из или им их к как какая какие каким какой ко когда который которая которые которых кто
ли либо мне может можно мой моя мы на надо нам нас наш не него нее ней нет ни них но ну о об один он она они оно
от очень по под после потому почему при про с сам свой себя сейчас сколько со так также такой там то тогда того
тоже только том тут ты у уже чего чем через что чтобы чьи чья эта эти это этого этой этом этот я`,
}
