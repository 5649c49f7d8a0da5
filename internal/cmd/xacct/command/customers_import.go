// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/xacct/terraform-provider-xacct/internal/cli"
	"github.com/xacct/terraform-provider-xacct/internal/customers"
	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

func newCustomersImportCommand(p process) *cobra.Command {
	var on hubFlags
	var opts changeFlags
	var with importFlags
	cmd := &cobra.Command{
		Use:   "import FILE --hub NAME",
		Short: "Issue the onboarding links of many customers, from CSV or JSON lines",
		Long: `Issue the onboarding links of many customers. The file is CSV with a header, or JSON
lines, one object for each customer; - is standard input. The fields are those of
` + "`xacct customers add`" + `:

  customer_id, permission_set, account_id, ask_account_id, region, stack_name,
  expires_at, and metadata: an object, or in CSV columns such as metadata.plan

The whole file is read and checked first, also against the hub: nothing is done if any
line is wrong. Then
each customer's link is issued as by ` + "`xacct customers add`" + `; links with the same
settings stay as they are, so an interrupted import can be repeated.

With --json it prints a list of objects, in the order of the file: those of
` + "`xacct customers add --json`" + `, with outcome failed and an error for those that failed. The
exit code is 1 if any failed.`,
		Example: `  xacct customers import customers.csv --hub acme --permission-set readonly
  jq -c '{customer_id: .id, account_id: .aws}' tenants.json |
    xacct customers import - --format jsonl --hub acme --permission-set readonly`,
		Args: cli.Exactly(1, "FILE: the customers"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lines, err := with.read(cmd, args[0])
			if err != nil {
				return err
			}
			w, err := on.openWriter(cmd.Context(), p)
			if err != nil {
				return err
			}
			known, err := w.service().Snapshot(cmd.Context())
			if err != nil {
				return w.explainLink(err)
			}
			if err := w.mistakes(cmd, args[0], known, lines); err != nil {
				return err
			}
			results, err := w.importAll(cmd.Context(), cmd.ErrOrStderr(), known, lines, opts, with)
			if err != nil {
				return err
			}
			if err := writeResults(cmd.OutOrStdout(), results, opts); err != nil || opts.dryRun {
				return err
			}
			if err := w.tidyPublishers(cmd.Context(), w.hub); err != nil {
				return fmt.Errorf("the links are issued, but it could not be checked whether all of their accounts may phone home: repeat the command: %w", w.explain(err))
			}
			w.noteUpkeep(cmd.ErrOrStderr(), w.hub.SweepTemplates(cmd.Context(), w.clock()))
			return nil
		},
	}
	on.addTo(cmd)
	opts.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&with.set, "permission-set", "", "permission set of customers whose line names none")
	flags.StringVar(&with.format, "format", "", "format of the file: csv or jsonl (default: by its name)")
	flags.BoolVar(&with.update, "update", false, "change open links whose settings differ")
	flags.IntVar(&with.concurrency, "concurrency", 8, "number of customers at once, 1 to 64")
	completeFlag(cmd, "permission-set", on.completeSets(p))
	completeValues(cmd, "format", importFormats...)
	return cmd
}

var importFormats = []string{"csv", "jsonl"}

type importFlags struct {
	set         string
	format      string
	update      bool
	concurrency int
}

// importAll issues the links and returns one result for each; a link that fails
// has the error in its result. importAll itself returns an error only if it was
// interrupted.
func (w *hubWriter) importAll(ctx context.Context, notes io.Writer, known *customers.Snapshot, lines []importLine, opts changeFlags, with importFlags) ([]linkResult, error) {
	results := make([]linkResult, len(lines))
	progress := cli.NewProgress(notes, "customers", len(lines))
	var done atomic.Int64
	var group errgroup.Group
	group.SetLimit(with.concurrency)
	for i, line := range lines {
		if ctx.Err() != nil {
			break
		}
		order := line.order
		if served, err := known.DryRun(ctx, order); err == nil && !served.Changed {
			results[i] = w.resultOf(served, opts)
			done.Add(1)
			progress.Step()
			continue
		}
		group.Go(func() error {
			result, err := w.add(ctx, order, opts, with.update)
			if err != nil {
				result = linkResult{CustomerID: order.CustomerID, Outcome: failed, DryRun: opts.dryRun, AccountID: order.Account.String(), Error: oneLine(err)}
			}
			results[i] = result
			if ctx.Err() == nil || err == nil {
				done.Add(1)
				progress.Step()
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	progress.End()
	if ctx.Err() != nil { // the context's own error would not say what to do
		return nil, fmt.Errorf("interrupted after %d of %s: repeat the command, and it continues where it stopped", done.Load(), onboarding.Counted(len(lines), "customer"))
	}
	return results, nil
}

// mistakes prints the mistakes of lines that this hub would always refuse, and
// returns an error if there are any. A line that differs from an open link, or
// whose link belongs to another tool, is not a mistake: only that customer
// fails.
func (w *hubWriter) mistakes(cmd *cobra.Command, file string, known *customers.Snapshot, lines []importLine) error {
	var problems []string
	for _, line := range lines {
		_, err := known.DryRun(cmd.Context(), line.order)
		var refused *customers.Refusal
		var wrong permissionset.FieldError
		if errors.As(err, &refused) || errors.As(err, &wrong) || errors.Is(err, registry.ErrNoPermissionSet) || errors.Is(err, registry.ErrPermissionSetRetired) {
			problems = append(problems, line.problems(w.explainLink(err))...)
		}
	}
	return printMistakes(cmd, file, problems)
}

// printMistakes prints the mistakes of a file, and returns an error if there
// are any.
func printMistakes(cmd *cobra.Command, file string, problems []string) error {
	for _, problem := range problems {
		cli.Say(cmd.ErrOrStderr(), "%s:%s\n", file, cli.Printable(problem))
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s has %s: nothing was done", file, mistakes(len(problems)))
	}
	return nil
}

// read returns the lines of the file after it has validated all of them,
// without the hub.
func (f importFlags) read(cmd *cobra.Command, file string) ([]importLine, error) {
	if f.concurrency < 1 || f.concurrency > 64 {
		return nil, cli.Usage("--concurrency %d: must be between 1 and 64", f.concurrency)
	}
	format := cmp.Or(f.format, strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), "."))
	if !slices.Contains(importFormats, format) {
		return nil, cli.Usage("the format of %s is not known: use --format csv or --format jsonl", file)
	}
	text, err := readFile(cmd.InOrStdin(), file)
	if err != nil {
		return nil, fmt.Errorf("the customers can't be read: %w", err)
	}
	parse := parseCSV
	if format == "jsonl" {
		parse = parseJSONLines
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s is not UTF-8: save it in that encoding", file)
	}
	lines, err := parse(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) // spreadsheets write a byte order mark
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := printMistakes(cmd, file, f.orders(lines)); err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s names no customer", file)
	}
	return lines, nil
}

// importLine is one line of the file: a customer and the settings of the link.
type importLine struct {
	number int
	linkOrder
	order customers.Order
	err   error // why the line can't be parsed
}

// problems returns the reasons of an error, each with the line and its customer.
func (l importLine) problems(err error) (problems []string) {
	customer := ""
	if customers.IsIdentifier(l.CustomerID) {
		customer = "customer " + l.CustomerID + ": "
	}
	for _, one := range customers.Reasons(err) {
		problems = append(problems, fmt.Sprintf("%d: %s%s", l.number, customer, one))
	}
	return problems
}

// orders parses the settings of each line into its order, and returns the
// mistakes.
func (f importFlags) orders(lines []importLine) (problems []string) {
	first := map[string]int{}
	for i := range lines {
		line := &lines[i]
		line.PermissionSet = cmp.Or(line.PermissionSet, f.set)
		var err error
		if line.order, err = line.linkOrder.order(); line.err != nil {
			err = line.err
		}
		if at, twice := first[line.CustomerID]; twice && err == nil {
			err = fmt.Errorf("is already in line %d", at)
		}
		first[line.CustomerID] = line.number
		if err != nil {
			problems = append(problems, line.problems(err)...)
		}
	}
	return problems
}

func parseJSONLines(text []byte) ([]importLine, error) {
	var lines []importLine
	for i, raw := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		line := importLine{number: i + 1}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		line.err = wrongJSON(d.Decode(&line.linkOrder))
		if _, err := d.Token(); line.err == nil && !errors.Is(err, io.EOF) { // More is false before a bracket
			line.err = errors.New("there is more than one value in the line")
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// wrongJSON returns a decoding error in terms of the file's fields; nil for
// nil.
func wrongJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field == "account_id":
		return errors.New("account_id has to be in quotes: a number loses its leading zeros")
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("%s can't be a JSON %s", wrong.Field, wrong.Value)
	}
	if _, field, found := strings.Cut(err.Error(), "unknown field "); found {
		return fmt.Errorf("there is no field %s: fields are %s and metadata", field, fieldNames)
	}
	return fmt.Errorf("each line must be one JSON object: %w", err)
}

// fieldNames lists the columns of CSV and the fields of JSON lines, except
// metadata.
const fieldNames = "customer_id, permission_set, account_id, ask_account_id, region, stack_name, expires_at"

// metadataColumn is the prefix of columns whose values are metadata.
const metadataColumn = "metadata."

// columns has, by the name of each column, the function that sets its field.
var columns = map[string]func(*linkOrder, string) error{
	"customer_id":    func(o *linkOrder, s string) error { o.CustomerID = s; return nil },
	"permission_set": func(o *linkOrder, s string) error { o.PermissionSet = s; return nil },
	"account_id":     func(o *linkOrder, s string) error { o.AccountID = s; return nil },
	"region":         func(o *linkOrder, s string) error { o.Region = s; return nil },
	"stack_name":     func(o *linkOrder, s string) error { o.StackName = s; return nil },
	"expires_at":     func(o *linkOrder, s string) error { o.ExpiresAt = s; return nil },
	"ask_account_id": func(o *linkOrder, s string) (err error) {
		if s == "" {
			return nil
		}
		if o.AskAccountID, err = strconv.ParseBool(s); err != nil {
			return fmt.Errorf("ask_account_id %q is neither true nor false", s)
		}
		return nil
	},
}

func parseCSV(text []byte) ([]importLine, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.TrimLeadingSpace = true
	reader.FieldsPerRecord = -1 // csvLine reports lines of another length
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: the first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	var lines []importLine
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		number, _ := reader.FieldPos(0)
		lines = append(lines, csvLine(number, header, record))
	}
}

// checkHeader trims the names of the columns. It returns an error if a column
// is unknown or repeated, or if customer_id is missing.
func checkHeader(header []string) error {
	for i, name := range header {
		name = strings.TrimSpace(name)
		header[i] = name
		switch {
		case len(header) == 1 && strings.ContainsAny(name, ";\t|"):
			return errors.New("its columns have to be separated by commas: save it as comma-separated values")
		case columns[name] == nil && !strings.HasPrefix(name, metadataColumn):
			return fmt.Errorf("there is no column %q: columns are %s and metadata.KEY", name, fieldNames)
		case slices.Contains(header[:i], name):
			return fmt.Errorf("the column %s appears twice", name)
		}
	}
	if !slices.Contains(header, "customer_id") {
		return errors.New("the column customer_id is missing: the first line names the columns")
	}
	return nil
}

func csvLine(number int, header, record []string) importLine {
	line := importLine{number: number}
	if len(record) != len(header) {
		line.CustomerID = strings.TrimSpace((append(record, make([]string, len(header))...))[slices.Index(header, "customer_id")])
		line.err = fmt.Errorf("the line has %d values, and the first line names %d columns", len(record), len(header))
		return line
	}
	for i, value := range record {
		value = strings.TrimSpace(value)
		if set := columns[header[i]]; set != nil {
			line.err = errors.Join(line.err, set(&line.linkOrder, value))
		} else if value != "" {
			if line.Metadata == nil {
				line.Metadata = map[string]string{}
			}
			line.Metadata[strings.TrimPrefix(header[i], metadataColumn)] = value
		}
	}
	return line
}
