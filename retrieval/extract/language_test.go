package extract

import (
	"testing"

	"github.com/cairnhq/cairn"
)

// A few sentences in each language that is stemmed are recognised, but for Irish.
func TestStemmedLanguagesAreRecognised(t *testing.T) {
	for want, text := range map[string]string{
		"ar": "يجب على جميع الموظفين تقديم إيصالات السفر في غضون ثلاثين يوما من العودة. لا يتم تعويض النفقات التي تقدم بعد هذا الموعد إلا بموافقة رئيس القسم.",
		"da": "Alle medarbejdere skal aflevere deres kvitteringer senest tredive dage efter hjemkomsten. Udgifter, som bliver indsendt senere, dækkes kun, hvis afdelingens leder har sagt ja til det.",
		"de": "Alle Mitarbeiter reichen ihre Belege spätestens dreißig Tage nach der Rückkehr ein. Ausgaben, die später eingereicht werden, werden nur mit Zustimmung der Abteilungsleitung erstattet.",
		"en": "Every employee hands in receipts no later than thirty days after coming back. Expenses that come in later will only be refunded when the head of the department has agreed to it.",
		"es": "Todos los empleados deben entregar sus recibos a más tardar treinta días después de su regreso. Los gastos que se presenten después solo se reembolsan si el jefe del departamento está de acuerdo.",
		"fi": "Kaikkien työntekijöiden on toimitettava kuittinsa viimeistään kolmenkymmenen päivän kuluttua paluusta. Myöhemmin toimitetut kulut korvataan vain, jos osaston johtaja on siihen suostunut.",
		"fr": "Tous les employés remettent leurs reçus au plus tard trente jours après leur retour. Les frais qui sont présentés plus tard ne sont remboursés que si le chef du service est d'accord.",
		"hu": "Minden munkatárs legkésőbb harminc nappal a visszatérése után adja le a bizonylatait. A később benyújtott költségeket csak akkor térítjük meg, ha az osztály vezetője ezzel egyetért.",
		"it": "Tutti i dipendenti consegnano le ricevute entro trenta giorni dal ritorno. Le spese che vengono presentate più tardi sono rimborsate soltanto se il responsabile del reparto è d'accordo.",
		"nb": "Alle ansatte må levere inn kvitteringene sine senest tretti dager etter at de har kommet tilbake. Utgifter som leveres inn senere, blir bare dekket hvis lederen for avdelingen har sagt ja til det.",
		"nl": "Alle medewerkers leveren hun bonnetjes uiterlijk dertig dagen na terugkeer in. Uitgaven die later worden ingediend, worden alleen vergoed als het hoofd van de afdeling daarmee heeft ingestemd.",
		"pt": "Todos os funcionários devem entregar os seus recibos no prazo de trinta dias após o regresso. As despesas que forem apresentadas mais tarde só são reembolsadas se o chefe do departamento concordar.",
		"ro": "Toți angajații își predau chitanțele cel târziu la treizeci de zile după întoarcere. Cheltuielile care sunt prezentate mai târziu se rambursează numai dacă șeful departamentului este de acord.",
		"ru": "Все сотрудники сдают чеки не позднее чем через тридцать дней после возвращения. Расходы, о которых сообщено позже, возмещаются только с согласия руководителя отдела.",
		"sv": "Alla anställda ska lämna in sina kvitton senast trettio dagar efter hemkomsten. Utgifter som lämnas in senare ersätts bara om avdelningens chef har gått med på det och skrivit under.",
		"ta": "அனைத்து ஊழியர்களும் திரும்பி வந்த முப்பது நாட்களுக்குள் தங்கள் ரசீதுகளை ஒப்படைக்க வேண்டும். பின்னர் சமர்ப்பிக்கப்படும் செலவுகள் துறைத் தலைவரின் ஒப்புதலுடன் மட்டுமே திருப்பித் தரப்படும்.",
		"tr": "Bütün çalışanlar makbuzlarını dönüşlerinden en geç otuz gün sonra teslim eder. Daha sonra teslim edilen masraflar ancak bölüm başkanı bunu kabul ettiğinde geri ödenir.",
	} {
		got := language(&Text{Kind: cairn.KindPage, Body: []byte(text)})
		if got != want {
			t.Errorf("%s: it is taken for %q", want, got)
		}
	}
}

// What is no prose has no language.
func TestNoLanguageOfNames(t *testing.T) {
	for _, text := range []string{
		"Anna Lindqvist, Ole Hansen, Peter van den Berg, Maria de la Cruz, João Pereira, Luca Rossi, Jan Kowalski, Pierre Dubois, Hans Müller, Ivan Petrov, Aino Virtanen",
		"TRN-T2-01 420 EUR; TRN-T2-02 390 EUR; ACC-MNT-W 35 EUR; ACC-MNT-D 28 EUR; GW-LTE-03 610 EUR; GW-WIFI-01 240 EUR; CAL-1P 90 EUR; CAL-3P 150 EUR; SVC-ON 800 EUR",
	} {
		if got := language(&Text{Kind: cairn.KindPage, Body: []byte(text)}); got != "" {
			t.Errorf("%.40s: it is taken for %q", text, got)
		}
	}
}
