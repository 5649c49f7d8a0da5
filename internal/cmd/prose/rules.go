// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package main

import "regexp"

// rule is a word or form that must not be used, with what to write instead.
type rule struct {
	form    *regexp.Regexp
	instead string
}

var rules = []rule{
	{word(`nobody|somebody|anybody|everybody|whoever|whomever|whosoever`), "name the subject, such as the caller, every principal, or no account"},
	{form(`\bwhere (there (is|are|was|were)|there's|none (is|was)|nothing (is|was)|it (is not|isn't|was not|wasn't|fails|failed|can't|cannot|may|has no)|that (is|isn't|was|works|worked|fails|failed)|one (is|was) (given|set|named|needed))\b`), `write "if" for a condition`},
	{regexp.MustCompile(`(^|[.;:] |¶ )Who [a-z]+ [^?.]*\.`), "name the subject, such as a caller that"},
	{form(`\bsee(s|n|ing)? to it\b`), "write ensure, or idempotent"},
	{form(`\bof the kind "`), "write the property itself"},
	{form(`\bin hand\b`), "write handling, received, or in flight"},
	{form(`\bput(s|ting)? ((it|them|this|that|one) )?aside\b`), "write moved to the dead-letter queue"},
	{form(`\b(could not|cannot|can't) be had\b`), "write unavailable"},
	{form(`(%q|%s) is none\b`), "write invalid …: must be one of …"},
	{word(`mends?|mended|mending`), "write repair or correct"},
	{form(`\bwithout a word\b`), "write silently, or without a message"},
	{form(`\bgo(es)? without saying\b`), "say it, or leave it out"},
	{form(`\b(go|goes|going|went) on (with|working|waiting|managing|from|where)\b`), "write continue, or still works"},
	{word(`in vain|half-way|halfway`), "write without success, or part-way"},
	{word(`for ever`), "write forever, never or always"},
	{form(`\blets? itself\b`), "write can be, or could be"},
	{form(`\b(don't|doesn't|do not|does not) mind\b`), "write is not affected"},
	{form(`\b(time|error|problem|page) by RFC\b`), "put RFC and its number before the noun"},
	{form(`\bbelongs? into\b`), "write belongs in"},
	{word(`hindmost|oftenest|heretofore|wherefore|therein|thereof|therewith`), "write a current word"},
	{regexp.MustCompile(`\b[a]new\b|[a-z]Anew([A-Z]|$)`), "write again, or recreate"},
	{form(`\bwhat (becomes|became|has become|would become|comes|came|has come) of\b`), "write outcome, result, status or disposition"},
	{form(`\b(that|it|which|what|nothing|none) (is|are|was|were) there( already| twice)?([.,;:]|$)`), "write exists, or what the thing does there"},
	{form(`\bit was said (what|why|how)\b`), "write with a diagnostic, or with an error"},
	{form(`\bcarr(y|ies|ied|ying) (it |them |(a|the|such a) table )?over\b`), "write migrate"},
	{regexp.MustCompile(`^[A-Za-z_.]+ (says|tells) (that|what|why|how|which|who|whose|whether|when|where)\b`), "write what it does: returns, reports, records, adds, indicates or defines"},
	{form(`\bguess(es)? about AWS\b`), "write assumption"},
	{regexp.MustCompile(`^Not (an?|the|one of) [A-Za-z ]+$`), "write Invalid …, or … is required"},
	{regexp.MustCompile(`^[A-Za-z_.]+ notes (that|what|when|the)\b`), "write records"},
	{form(`\b(can't|cannot|could not|can) be let in\b`), "write can be added, or can be admitted"},
	{regexp.MustCompile(`(^|[.;:] |¶ )What ([a-z']+ ){1,6}(is|was|are|were) (left out|lost|refused|for a person|out of|of no|no|none)\b`), "give the relative clause a noun, such as values that"},
}

// word returns a pattern for whole words in any letter case.
func word(alternatives string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(` + alternatives + `)\b`)
}

// form returns a pattern for a form of a sentence in any letter case.
func form(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i:` + pattern + `)`)
}

// exception allows what a rule finds in files whose path starts with file, in a
// passage that contains text.
type exception struct {
	file, text, reason string
}

var exceptions = []exception{
	{"internal/stacktemplate/parameters.go", "acts for you and not for somebody else", "a sentence to customers, who know no principals; its change would publish every template again"},
	{"internal/api/pages/page.html", "nobody else can use it", "a sentence to customers, who know no principals"},
	{"internal/cmd/prose/", "", "the list of the words itself, and its tests"},
}
