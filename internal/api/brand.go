// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/xacct/terraform-provider-xacct/internal/onboarding"
	"github.com/xacct/terraform-provider-xacct/internal/registry"
)

// defaultColor is the default colour of the page, in hexadecimal digits.
const defaultColor = "0b5fff"

// brand returns the page's logo, colour and return URLs from the hub's record, with the
// settings of the server taking precedence.
func (s *Server) brand(record registry.HubRecord) onboarding.ConnectPage {
	return record.ConnectPage.With(s.config.Page)
}

// colorOf returns the digits of a page's colour. The URLs of its style and icon contain
// them, so that both are served without reading the registry.
func colorOf(page onboarding.ConnectPage) string {
	if onboarding.CheckPageColor(page.Color) != nil { // such as an empty one
		return defaultColor
	}
	return page.Color[1:]
}

// colored returns a handler of a text that depends on the colour in the request's path.
func (s *Server) colored(kind string, text func(color string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		color := "#" + r.PathValue("color")
		if onboarding.CheckPageColor(color) != nil {
			s.notFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(text(color)))
	}
}

// css returns the style rule that defines a colour, and the colour of text on it.
func css(color string) string {
	return fmt.Sprintf(":root{--brand:%s;--on-brand:%s}\n", color, textOn(color))
}

// icon returns the page's favicon as SVG.
func icon(color string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="%s"/><path d="M4.5 8.3l2.4 2.4 4.6-5" fill="none" stroke="%s" stroke-width="1.8"/></svg>`, color, textOn(color))
}

// textOn returns black or white, whichever has the higher contrast with a colour. The
// contrast is at least 4.5 for every colour, as WCAG requires for text.
func textOn(color string) string {
	if luminance := luminance(color); 1.05/(luminance+0.05) >= (luminance+0.05)/0.05 {
		return "#ffffff"
	}
	return "#000000"
}

// luminance returns the relative luminance of a colour as defined by WCAG: from 0,
// black, to 1, white.
func luminance(color string) float64 {
	n, _ := strconv.ParseUint(color[1:], 16, 32)
	linear := func(shift uint) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}
