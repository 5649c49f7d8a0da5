// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package console

import (
	"net/http"

	"github.com/xacct/terraform-provider-xacct/internal/sandbox/cloudformation"
)

// updateRoute is the page of an update link. AWS does not document it; it was
// observed (aws-facts 3.7).
const updateRoute = "/stacks/update/template"

// updatePage is the data of the page for an update.
type updatePage struct {
	cloudformation.Stack
	form
	TemplateURL string
}

// reviewUpdate shows the stack as it would be with the link's template. The
// link's param_ values are ignored: the stack keeps its own.
func (c *console) reviewUpdate(w http.ResponseWriter, r *http.Request) {
	p, err := c.cloud.Read(r.URL.RawQuery)
	switch {
	case err != nil:
		c.problem(w, http.StatusBadRequest, err.Error())
	case p.TemplateURL == "":
		c.problem(w, http.StatusBadRequest, "The link has no templateURL.")
	default:
		c.showUpdate(w, r, http.StatusOK, p, nil, "")
	}
}

func (c *console) showUpdate(w http.ResponseWriter, r *http.Request, status int, p Page, edited map[string]string, refused string) {
	st, found := c.cloud.Stack(p.StackID)
	if !found {
		c.problem(w, http.StatusNotFound, "There is no stack "+p.StackID+".")
		return
	}
	page := updatePage{Stack: st, TemplateURL: p.TemplateURL, form: form{Previous: st.Parameters, Refused: refused}}
	var err error
	if page.Preview, err = c.cloud.PreviewUpdate(r.Context(), st.ID, p.TemplateURL, edited); err != nil {
		c.problem(w, http.StatusBadRequest, err.Error())
		return
	}
	c.show(w, status, "update.html", page)
}

// update handles the button that updates the stack. An unchanged value is not
// sent: the stack keeps it.
func (c *console) update(w http.ResponseWriter, r *http.Request) {
	if !c.readForm(w, r) {
		return
	}
	p := Page{StackID: r.PostForm.Get("stackId"), TemplateURL: r.PostForm.Get("templateURL")}
	st, _ := c.cloud.Stack(p.StackID)
	edited := formParameters(r.PostForm)
	for name, value := range st.Parameters {
		if edited[name] == value {
			delete(edited, name)
		}
	}
	if err := c.cloud.Update(r.Context(), p.StackID, p.TemplateURL, edited, r.PostForm.Get("acknowledged") != ""); err != nil {
		c.showUpdate(w, r, http.StatusBadRequest, p, edited, err.Error())
		return
	}
	redirect(w, r, p.StackID)
}
