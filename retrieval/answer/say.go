package answer

// text names a sentence that the answerer says itself.
type text int

const (
	textNotFound text = iota
	textUnavailable
	textUnsupported
	textInterrupted
	textTruncated
	textConflict
	textSuperseded
)

// sentences has the answerer's own sentences by language; English is complete.
var sentences = map[string][]string{
	"en": {
		textNotFound:    "I found nothing in the documents you can read that answers this.",
		textUnavailable: "The answer model is not available. These are the sentences of the documents that answer best.",
		textUnsupported: "The answer model said things that the documents do not support. These are the sentences of the documents that answer best.",
		textInterrupted: "The answer model broke off. What had been checked until then is shown; ask again for a whole answer.",
		textTruncated:   "The answer is cut short because it reached its largest length.",
		textConflict:    "The sources disagree; compare their dates.",
		textSuperseded:  "An older document says otherwise; the newer one is shown.",
	},
	"de": {
		textNotFound:    "In den Dokumenten, die Sie lesen dürfen, habe ich nichts gefunden, das diese Frage beantwortet.",
		textUnavailable: "Das Antwortmodell ist nicht erreichbar. Dies sind die Sätze der Dokumente, die am besten antworten.",
		textUnsupported: "Das Antwortmodell hat gesagt, was die Dokumente nicht belegen. Dies sind die Sätze der Dokumente, die am besten antworten.",
		textInterrupted: "Das Antwortmodell hat abgebrochen. Gezeigt wird, was bis dahin geprüft war; fragen Sie erneut für eine ganze Antwort.",
		textTruncated:   "Die Antwort ist gekürzt, weil sie ihre größte Länge erreicht hat.",
		textConflict:    "Die Quellen widersprechen sich; vergleichen Sie ihre Daten.",
		textSuperseded:  "Ein älteres Dokument sagt etwas anderes; gezeigt wird das neuere.",
	},
	"fr": {
		textNotFound:    "Je n'ai rien trouvé, dans les documents que vous pouvez lire, qui réponde à cette question.",
		textUnavailable: "Le modèle de réponse n'est pas disponible. Voici les phrases des documents qui répondent le mieux.",
		textUnsupported: "Le modèle de réponse a affirmé ce que les documents n'étayent pas. Voici les phrases des documents qui répondent le mieux.",
		textInterrupted: "Le modèle de réponse s'est interrompu. Ce qui avait été vérifié est affiché ; reposez la question pour une réponse entière.",
		textTruncated:   "La réponse est coupée parce qu'elle a atteint sa longueur maximale.",
		textConflict:    "Les sources se contredisent ; comparez leurs dates.",
		textSuperseded:  "Un document plus ancien dit autre chose ; le plus récent est affiché.",
	},
	"es": {
		textNotFound:    "No encontré nada, en los documentos que puede leer, que responda a esta pregunta.",
		textUnavailable: "El modelo de respuesta no está disponible. Estas son las frases de los documentos que mejor responden.",
		textUnsupported: "El modelo de respuesta dijo cosas que los documentos no respaldan. Estas son las frases de los documentos que mejor responden.",
		textInterrupted: "El modelo de respuesta se interrumpió. Se muestra lo que ya estaba verificado; pregunte de nuevo para una respuesta completa.",
		textTruncated:   "La respuesta está cortada porque alcanzó su longitud máxima.",
		textConflict:    "Las fuentes se contradicen; compare sus fechas.",
		textSuperseded:  "Un documento más antiguo dice otra cosa; se muestra el más reciente.",
	},
}

// say returns a sentence in the language of the answer, or in English.
func (r *run) say(t text) string {
	if own, ok := sentences[r.language]; ok {
		return own[t]
	}
	return sentences["en"][t]
}
