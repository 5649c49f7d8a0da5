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
)

func newCustomersImportCommand(p process) *cobra.Command {
	var on hubFlags
	var doing doingFlags
	var with importFlags
	cmd := &cobra.Command{
		Use:   "import FILE --hub NAME",
		Short: "Issue the onboarding links of many customers, from CSV or JSON lines",
		Long: `Issue the onboarding links of many customers. The file is CSV with a header, or JSON
lines, one object for each customer; - is standard input. The fields are those of
` + "`xacct customers add`" + `:

  customer_id, permission_set, account_id, ask_account_id, region, stack_name,
  expires_at, and metadata: an object, or in CSV columns such as metadata.plan

The whole file is read and checked first: nothing is done if any line is wrong. Then
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
			orders, err := with.read(cmd, args[0])
			if err != nil {
				return err
			}
			w, err := on.work(cmd.Context(), p)
			if err != nil {
				return err
			}
			results, err := w.importAll(cmd.Context(), cmd.ErrOrStderr(), orders, doing, with)
			if err != nil {
				return err
			}
			if err := writeResults(cmd.OutOrStdout(), results, doing); err != nil || doing.dryRun {
				return err
			}
			if err := w.tidyPublishers(cmd.Context(), w.hub); err != nil {
				return fmt.Errorf("the links are issued, but it could not be checked whether all of their accounts may phone home: repeat the command: %w", w.explain(err))
			}
			w.swept(cmd.ErrOrStderr(), w.hub.SweepTemplates(cmd.Context(), w.clock()))
			return nil
		},
	}
	on.addTo(cmd)
	doing.addTo(cmd)
	flags := cmd.Flags()
	flags.StringVar(&with.set, "permission-set", "", "name of the permission set of customers whose line names none")
	flags.StringVar(&with.format, "format", "", "format of the file: csv or jsonl (default: by its name)")
	flags.BoolVar(&with.update, "update", false, "change open links whose settings differ")
	flags.IntVar(&with.concurrency, "concurrency", 8, "customers at once, 1 to 64")
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

// importAll issues all links. What fails is in its result; the error says that not
// all were tried.
func (w *workshop) importAll(ctx context.Context, notes io.Writer, orders []customers.Order, doing doingFlags, with importFlags) ([]linkResult, error) {
	known, err := w.service().Known(ctx)
	if err != nil {
		return nil, w.linkTrouble(err)
	}
	results := make([]linkResult, len(orders))
	progress := cli.NewProgress(notes, "customers", len(orders))
	var done atomic.Int64
	var group errgroup.Group
	group.SetLimit(with.concurrency)
	for i, order := range orders {
		if ctx.Err() != nil {
			break
		}
		if served, unchanged := known.Unchanged(ctx, order); unchanged {
			results[i] = w.resultOf(served, doing)
			done.Add(1)
			progress.Step()
			continue
		}
		group.Go(func() error {
			result, err := w.add(ctx, order, doing, with.update)
			if err != nil {
				result = linkResult{CustomerID: order.CustomerID, Outcome: failed, DryRun: doing.dryRun, AccountID: order.Account.String(), Error: oneLine(err)}
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
	if ctx.Err() != nil { // not the error of the context, which has no advice
		return nil, fmt.Errorf("interrupted after %d of %s: repeat the command, and it continues where it was", done.Load(), counted(len(orders), "customer"))
	}
	return results, nil
}

// read reads and checks the whole file.
func (f importFlags) read(cmd *cobra.Command, file string) ([]customers.Order, error) {
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
	lines, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	orders, problems := f.orders(lines)
	for _, problem := range problems {
		cli.Say(cmd.ErrOrStderr(), "%s:%s\n", file, cli.Printable(problem))
	}
	switch {
	case len(problems) > 0:
		return nil, fmt.Errorf("%s has %s: nothing was done", file, mistakes(len(problems)))
	case len(orders) == 0:
		return nil, fmt.Errorf("%s names no customer", file)
	}
	return orders, nil
}

// importLine is one customer, as a line of the file has it.
type importLine struct {
	number int
	linkOrder
	err error // the line can't be read
}

// orders parses the lines, and returns what is wrong in them.
func (f importFlags) orders(lines []importLine) (orders []customers.Order, problems []string) {
	first := map[string]int{}
	for _, line := range lines {
		line.PermissionSet = cmp.Or(line.PermissionSet, f.set)
		order, err := line.order()
		if line.err != nil {
			err = line.err
		}
		if at, twice := first[line.CustomerID]; twice && err == nil {
			err = fmt.Errorf("customer %s is in line %d already", line.CustomerID, at)
		}
		first[line.CustomerID] = line.number
		if err != nil {
			for _, one := range customers.Reasons(err) {
				problems = append(problems, fmt.Sprintf("%d: %s", line.number, one))
			}
			continue
		}
		orders = append(orders, order)
	}
	return orders, problems
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
		line.err = d.Decode(&line.linkOrder)
		if line.err == nil && d.More() {
			line.err = errors.New("there is more than one value in the line")
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// metadataColumn begins the names of columns whose values are metadata.
const metadataColumn = "metadata."

// columns set a field of a link by the name of a column.
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
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) // spreadsheets write a byte order mark
	reader.TrimLeadingSpace = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: the first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if columns[header[i]] == nil && !strings.HasPrefix(header[i], metadataColumn) {
			return nil, fmt.Errorf("there is no column %q: columns are customer_id, permission_set, account_id, ask_account_id, region, stack_name, expires_at and metadata.KEY", header[i])
		}
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

func csvLine(number int, header, record []string) importLine {
	line := importLine{number: number}
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
