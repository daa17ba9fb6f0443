package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// errUsage is a wrong command line or file, already explained to the user.
var errUsage = errors.New("usage")

// settings is the flag set of one command together with its -config file.
type settings struct {
	*flag.FlagSet
	summary string
	file    string
	env     map[string]string // flag → environment variable that is its default
	takes   string            // what may follow the flags, for help; "" nothing
	others  []*settings       // whose settings the file may hold as well
	out     io.Writer
}

// newSettings begins a command's settings. Messages go to out.
func newSettings(command, summary string, out io.Writer) *settings {
	s := &settings{FlagSet: flag.NewFlagSet("cloudlet "+command, flag.ContinueOnError), summary: summary, env: map[string]string{}, out: out}
	s.SetOutput(io.Discard) // parse tells what is wrong
	s.Usage = func() {}
	return s
}

// help tells what the command does and its flags.
func (s *settings) help() {
	fmt.Fprintf(s.out, "Usage: %s\n\n%s\n\nFlags:\n", strings.TrimRight(s.Name()+" [flags] "+s.takes, " "), s.summary)
	s.SetOutput(s.out)
	s.PrintDefaults()
	s.SetOutput(io.Discard)
}

// withFile adds -config.
func (s *settings) withFile() *settings {
	s.StringVar(&s.file, "config", "", "HCL `file` with settings; their names are those of the flags, which win over it")
	return s
}

// The environment variables that hold secrets. parse takes them out of the
// environment: no program that is started inherits one.
const (
	adminPasswordVar = "CLOUDLET_ADMIN_PASSWORD"
	joinTokenVar     = "CLOUDLET_JOIN_TOKEN"
)

// secret declares a string that can also come from an environment variable.
func (s *settings) secret(p *string, name, variable, usage string) {
	s.StringVar(p, name, "", usage+". Users of this machine can see it on a command line: prefer "+variable+" in the environment, or the file")
	s.env[name] = variable
}

// parse reads the command line, then the file for what the command line leaves
// open, then the environment. It returns errUsage, or flag.ErrHelp, once it has
// told the user why.
func (s *settings) parse(args []string) error {
	if err := s.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			s.help()
			return err
		}
		return s.wrong("%v%s", err, s.suggestion(err))
	}
	if s.NArg() > 0 && s.takes == "" {
		return s.wrong("unexpected argument %q; every setting is a flag", s.Arg(0))
	}
	given := map[string]bool{}
	s.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.file != "" {
		if err := s.readFile(given); err != nil {
			return err
		}
	}
	for name, variable := range s.env {
		v, ok := os.LookupEnv(variable)
		if ok && !given[name] && s.Lookup(name).Value.String() == "" {
			if err := s.Set(name, v); err != nil {
				return s.wrong("%s: %v", variable, err)
			}
		}
	}
	return errors.Join(os.Unsetenv(adminPasswordVar), os.Unsetenv(joinTokenVar))
}

// suggestion is the flag that was meant, if err is about one that there is not.
func (s *settings) suggestion(err error) string {
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return ""
	}
	if near := nearest(name, s.names()); near != "" {
		return "; did you mean -" + near + "?"
	}
	return ""
}

// names are those of all settings.
func (s *settings) names() []string {
	var all []string
	s.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
	return all
}

// wrong tells the user what is wrong and returns errUsage.
func (s *settings) wrong(format string, args ...any) error {
	fmt.Fprintf(s.out, "%s: %s\n", s.Name(), fmt.Sprintf(format, args...))
	fmt.Fprintf(s.out, "Run '%s -h' for its flags.\n", s.Name())
	return errUsage
}

// readFile sets, from the HCL file, the flags that were not given.
func (s *settings) readFile(given map[string]bool) error {
	p := hclparse.NewParser()
	f, diags := p.ParseHCLFile(s.file)
	if f != nil && f.Body != nil {
		attrs, more := f.Body.JustAttributes()
		diags = append(diags, more...)
		for name, attr := range attrs {
			diags = append(diags, s.setFromFile(name, attr, given[name])...)
		}
	}
	if !diags.HasErrors() {
		return nil
	}
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return 0
		}
		return a.Subject.Start.Line - b.Subject.Start.Line
	})
	var text bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&text, p.Files(), 100, false).WriteDiagnostics(diags); err != nil {
		return err
	}
	fmt.Fprint(s.out, text.String())
	return errUsage
}

func (s *settings) setFromFile(name string, attr *hcl.Attribute, given bool) hcl.Diagnostics {
	fault := func(at hcl.Range, summary, detail string) hcl.Diagnostics {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
	}
	if slices.ContainsFunc(s.others, func(o *settings) bool { return s.Lookup(name) == nil && o.Lookup(name) != nil }) {
		return nil
	}
	if s.Lookup(name) == nil || name == "config" {
		detail := fmt.Sprintf("%s has no setting %q.", s.Name(), name)
		if near := nearest(name, slices.DeleteFunc(s.names(), func(n string) bool { return n == "config" })); near != "" {
			detail += fmt.Sprintf(" Did you mean %q?", near)
		}
		return fault(attr.NameRange, "Unknown setting", detail)
	}
	v, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return diags
	}
	text, err := settingText(v)
	if err == nil && !given {
		err = s.Set(name, text)
	}
	if err != nil {
		return fault(attr.Expr.Range(), "Wrong value", fmt.Sprintf("%s: %v.", name, err))
	}
	return nil
}

// settingText renders an HCL value as one would type it on the command line; a
// list is its elements with commas between them.
func settingText(v cty.Value) (string, error) {
	if v.IsNull() || !v.IsWhollyKnown() {
		return "", errors.New("a value is required")
	}
	if v.Type().IsTupleType() {
		var parts []string
		for _, e := range v.AsValueSlice() {
			t, err := settingText(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, t)
		}
		return strings.Join(parts, ","), nil
	}
	t, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", errors.New("a string, number, boolean or a list of them is required")
	}
	return t.AsString(), nil
}

// nearest returns the name that a mistyped one is close to, or "".
func nearest(wrong string, names []string) string {
	best, least := "", min(3, len(wrong)/2)+1
	for _, n := range names {
		if d := levenshtein.Distance(wrong, n, nil); d < least {
			best, least = n, d
		}
	}
	return best
}

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	value *string
	words []string
}

func (o oneOf) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

func (o oneOf) Set(v string) error {
	if !slices.Contains(o.words, v) {
		return fmt.Errorf("must be one of %s", strings.Join(o.words, ", "))
	}
	*o.value = v
	return nil
}

// choice declares a setting that takes one of a few words, the first unless told.
func (s *settings) choice(p *string, name, usage string, words ...string) {
	*p = words[0]
	s.Var(oneOf{p, words}, name, usage+": `"+strings.Join(words, "|")+"`")
}

// pairs is a flag of key:value pairs, which may repeat or be joined by commas.
type pairs struct{ m *map[string]string }

func (p pairs) String() string {
	if p.m == nil || *p.m == nil {
		return ""
	}
	var parts []string
	for k, v := range *p.m {
		parts = append(parts, k+":"+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func (p pairs) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok || k == "" || v == "" {
			return fmt.Errorf("%q must be of the form name:value", part)
		}
		if *p.m == nil {
			*p.m = map[string]string{}
		}
		(*p.m)[k] = v
	}
	return nil
}
