// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// voice writes the messages for a customer, in the events of their stack: what is wrong and
// what to do. Every message for customers is here. None repeats the external
// ID or the account that was expected: its reader may be another person.
type voice struct{ hub Hub }

func (v voice) vendor() string {
	if v.hub.DisplayName != "" {
		return v.hub.DisplayName
	}
	return v.hub.Name
}

func (v voice) say(format string, args ...any) string {
	sentence := fmt.Sprintf(format, args...)
	return sentence + v.help()
}

// help ends every sentence, if the hub has an address to ask.
func (v voice) help() string {
	if v.hub.SupportURL == "" {
		return ""
	}
	return " Help: " + v.hub.SupportURL
}

func (v voice) unknownExternalID() string {
	return v.say("%[1]s does not know the external ID of this stack. Delete the stack, open the link that %[1]s gave you once more, and leave the parameter ExternalId as it is.", v.vendor())
}

func (v voice) retired() string {
	return v.say("The external ID of this stack is from a link of %[1]s that another one has replaced. Delete the stack, ask %[1]s for the new link, and open that one.", v.vendor())
}

func (v voice) otherHub() string {
	return v.say("This stack's template does not belong to the place that it reports to at %[1]s. Delete the stack, open the link that %[1]s gave you once more, and leave the template as it is.", v.vendor())
}

func (v voice) closed() string {
	return v.say("%[1]s has closed the link that this stack was created from. Delete the stack and ask %[1]s for a new link.", v.vendor())
}

func (v voice) expired(at time.Time) string {
	return v.say("The link that this stack was created from expired on %s. Delete the stack and ask %s for a new link.", at.UTC().Format("2 January 2006 at 15:04 UTC"), v.vendor())
}

func (v voice) blocked() string {
	return v.say("%[1]s accepts no new connections or changes from you at the moment. Please ask %[1]s before you try again. You can delete this stack at any time.", v.vendor())
}

func (v voice) vendorsAccount() string {
	return v.say("This stack is in the AWS account of %[1]s itself. The link is for the AWS account of a customer of %[1]s: sign in there and open it again.", v.vendor())
}

func (v voice) wrongAccount(stack account.ID, scope Scope) string {
	switch scope {
	case ScopeOrganization:
		return v.say("This stack is in AWS account %[1]s, which is none of the accounts that %[2]s expects of your organization. Delete the stack, or tell %[2]s to add the account.", stack, v.vendor())
	case ScopeAnyone:
		return v.say("This stack is in AWS account %[1]s, but another account has used this link before, and it works only once. Delete the stack and ask %[2]s for a link of your own.", stack, v.vendor())
	case ScopeAccount:
	}
	return v.say("This stack is in AWS account %s, but the link was made for another account. Delete the stack, sign in to the account that you told %[2]s, and open the link there; or tell %[2]s that it is this account.", stack, v.vendor())
}

func (v voice) notARole() string {
	return v.say("The stack did not say which role it created. Delete the stack, open the link that %s gave you once more, and leave the template as it is.", v.vendor())
}

func (v voice) roleElsewhere(role account.RoleARN, stack account.ID) string {
	return v.say("The role %s is not in this stack's own AWS account %s. %s registers only roles that the stack created in its own account: leave the template as it is.", role, stack, v.vendor())
}

func (v voice) wrongRole(role, expected account.RoleARN) string {
	return v.say("The role of this stack is %s%s, but %s expects %s%s. Delete the stack and create it again with the parameter RoleName as the link fills it in.", role.Path, role.Name, v.vendor(), expected.Path, expected.Name)
}

func (v voice) wrongAdditional(key, reported string, expected account.RoleARN) string {
	if len(reported) > maxQuoted {
		reported = reported[:maxQuoted] + "..."
	}
	return v.say("The stack reports %q as the role %s, but %s expects %s. Delete the stack, open the link that %[3]s gave you once more, and leave the template as it is.", reported, key, v.vendor(), expected)
}

// maxQuoted is how much of a customer's text a sentence repeats, in bytes.
const maxQuoted = 200

func (v voice) noAdditional(expected account.RoleARN) string {
	return v.say("The stack does not report the role %s, which %s expects beside the first one. Delete the stack, open the link that %[2]s gave you once more, and leave the template as it is.", expected, v.vendor())
}

func (v voice) rival(other account.StackARN) string {
	return v.say("This AWS account is already connected to %s, by the stack %s in %s, and that connection works. To replace it, delete that stack first; then create this one again.", v.vendor(), other.Name, other.Region)
}

func (v voice) cannotAssume(role account.RoleARN) string {
	return v.say("%[1]s cannot assume the role %[2]s with the external ID of this stack. Leave the role's trust policy as the template has it, see whether a policy of your organization stops AWS account %[3]s from assuming roles, and try again.", v.vendor(), role, v.hub.Account)
}

func (v voice) open(role account.RoleARN, hole string) string {
	return v.say("The role %s can be assumed %s, so others could get in through %s too. It was not connected. Leave the role's trust policy as the template has it, and try again.", role, hole, v.vendor())
}

func (v voice) tryAgain() string {
	return v.say("%s could not finish checking the role in time. Your stack is not at fault: please delete it and create it again from the same link.", v.vendor())
}

func (v voice) notPermitted() string {
	return v.say("%[1]s could not check the role of this stack, because the AWS account of %[1]s lacks a permission for it. Your stack is not at fault. Please tell %[1]s; once they have corrected that, delete this stack and create it again from the same link.", v.vendor())
}

func (v voice) regionGivenUp(region account.Region) string {
	return v.say("%[1]s no longer connects stacks in %[2]s. Delete the stack, and open the link that %[1]s gives you now: it leads to another Region.", v.vendor(), region)
}

func (v voice) older() string {
	return v.say("A newer request of this stack was answered before this one, so %s left everything as it is. Please update the stack once more.", v.vendor())
}

func (v voice) deleted() string {
	return v.say("This connection to %s was deleted in this stack only just now. Please wait two minutes and try again, or delete the stack and create it again from the link.", v.vendor())
}

func (v voice) changedExternalID() string {
	return v.say("The external ID of a connected stack cannot change to this one. Keep the parameter ExternalId as it was, unless %[1]s has given you a new one, and then take exactly that; to use a new link of %[1]s, delete this stack and create it again.", v.vendor())
}

func (v voice) strangePrevious() string {
	return v.say("The parameter PreviousExternalId of this stack is no external ID that %[1]s gave you. Leave it empty, or fill in the one that the stack had before; the role would accept any other from another party.", v.vendor())
}

func (v voice) previousOfNewStack() string {
	return v.say("The parameter PreviousExternalId is only for a stack whose external ID changes, and a new role of %[1]s accepts none but the new one. Delete the stack, open the link that %[1]s gave you once more, and leave the parameter empty.", v.vendor())
}

func (v voice) changedAccount(role account.RoleARN, stack account.ID) string {
	return v.say("The role %s is not in this stack's own AWS account %s. To connect another account to %s, delete this stack and create it again there.", role, stack, v.vendor())
}

// The reasons that follow are for the vendor: they show with the registration.

func reasonOf(proof Proof) string {
	role := "the role"
	if !proof.Additional.IsZero() {
		role = "the additional role " + proof.Additional.String()
	}
	if proof.Outcome == Open {
		return role + " can be assumed " + proof.Hole + ", so others can get in"
	}
	return role + " can no longer be assumed with its external ID"
}

func reasonUnproven(role account.RoleARN, proof Proof) string {
	reason := fmt.Sprintf("the stack was updated, but its role %s could not be proven in time", role)
	if proof.Lacks != "" {
		reason += ": " + proof.Lacks
	}
	return reason
}

func reasonBlocked(role account.RoleARN) string {
	return fmt.Sprintf("the stack was updated while the customer was blocked, so its role %s was not proven", role)
}

func reasonFellBack(role account.RoleARN) string {
	return fmt.Sprintf("the stack went back to an earlier resource, and its role %s has not been proven since", role)
}

const reasonRecovered = "the registry did not know this stack, as after a restore from a point in time; its Update came and its role was proven"

const reasonFound = "the registry did not know this role, as after a restore from a point in time; a round of proofs found it under its link"

const reasonRotated = "the external ID changed: the role was proven with the new one"

const reasonRotationEnded = "the role no longer accepts the external ID before"

const reasonWithoutStack = "the customer made the role without a stack; a round of proofs found it under its link"

const reasonGathered = "the additional roles are those that are declared today, as far as they were found"

const reasonLeft = "the role was refused for a week, while other customers' could be assumed: the customer has removed it"

const reasonReleased = "the vendor has given up this adopted role"

func reasonBoundElsewhere(stack account.StackARN) string {
	return fmt.Sprintf("stack %s was answered SUCCESS, but before that could be written down the link became another account's: nothing was registered; ask the owner of account %s to delete the stack", stack.Name, stack.Account)
}

func reasonDeleteUnconfirmed(stack account.StackARN) string {
	return fmt.Sprintf("the customer may have deleted the stack %s: its Delete could not be answered in time, and its role can no longer be assumed; the next rounds of proofs decide", stack.Name)
}

func reasonGone(stack account.StackARN) string {
	return fmt.Sprintf("the customer deleted the stack %s: its Delete came, and its role can no longer be assumed, while other customers' can", stack.Name)
}

// reasonDeleted returns the reason of a Delete that was answered. CloudFormation sends the same
// when only the custom resource leaves the stack, and the role may stay then.
func reasonDeleted(stack account.StackARN) string {
	return fmt.Sprintf("the customer deleted the stack %s, or took the phone-home out of it", stack.Name)
}
