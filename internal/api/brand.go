// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Brand is how the connect page looks.
type Brand struct {
	LogoURL *url.URL // https; nil: none
	Color   string   // #rrggbb; empty: a plain blue
}

const plainBlue = "#0b5fff"

var colorPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^#[0-9a-fA-F]{6}$") })

// Check returns what is wrong with a brand.
func (b Brand) Check() error {
	if b.Color != "" && !colorPattern().MatchString(b.Color) {
		return fmt.Errorf("%q is not a colour such as #0b5fff", b.Color)
	}
	if b.LogoURL != nil && (b.LogoURL.Scheme != "https" || b.LogoURL.Host == "" || strings.ContainsAny(b.LogoURL.String(), " ;,'\"")) {
		return fmt.Errorf("%q is not the address of a picture: it begins with https://", b.LogoURL)
	}
	return nil
}

func (b Brand) color() string {
	if b.Color == "" {
		return plainBlue
	}
	return b.Color
}

// css returns the rule that defines the brand's colour and that of text on it.
func (b Brand) css() string {
	return fmt.Sprintf(":root{--brand:%s;--on-brand:%s}\n", b.color(), textOn(b.color()))
}

// icon returns the picture in the browser's tab, as SVG.
func (b Brand) icon() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="%s"/><path d="M4.5 8.3l2.4 2.4 4.6-5" fill="none" stroke="%s" stroke-width="1.8"/></svg>`, b.color(), textOn(b.color()))
}

// textOn returns black or white, whichever has the higher contrast on a colour:
// it is 4.5 or more for every colour, which is what WCAG asks of text.
func textOn(color string) string {
	n, _ := strconv.ParseUint(color[1:], 16, 32)
	linear := func(shift uint) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	luminance := 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
	if 1.05/(luminance+0.05) >= (luminance+0.05)/0.05 {
		return "#ffffff"
	}
	return "#000000"
}
