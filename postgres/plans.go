package postgres

// planAnew are the settings of connections that plan a statement each time. A plan
// that was kept from when the tables were small reads large ones from end to end:
// 120 ms a search at 20,000 documents. Planning takes up to 1 ms.
func planAnew() map[string]string { return map[string]string{"plan_cache_mode": "force_custom_plan"} }

// keepPlans are the settings of connections that look up rows by their keys. The
// plan is the same for tables of any size, and kept, as long as small ones do not
// tempt the planner to read them from end to end.
func keepPlans() map[string]string {
	return map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "jit": "off"}
}

// setKeepPlans is keepPlans for the rest of a transaction.
const setKeepPlans = `
	SELECT set_config('plan_cache_mode', 'force_generic_plan', true) || set_config('enable_seqscan', 'off', true)
	       || set_config('jit', 'off', true)`
