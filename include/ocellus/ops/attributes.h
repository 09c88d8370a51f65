// An operator's attributes as JSON text, for saved models.
#pragma once

#include <string>
#include <string_view>

#include <ocellus/graph/op.h>

namespace ocellus {

/// The attributes as one JSON object, in the order in which the operator names them; infinities and NaN are written as strings.
/// Throws Unsupported for an operator that holds a tensor, a parameter or a function.
OCELLUS_API std::string attributes_to_json(const Op& op);

/// A registered operator with the attributes of a JSON object; those that it does not mention keep their defaults.
/// Throws Unsupported for an unknown operator, and FormatError naming operator and attribute for a text that is no JSON object,
/// an attribute that the operator does not have, or a value of another kind.
OCELLUS_API OpPtr op_from_json(std::string_view name, std::string_view json);

}  // namespace ocellus
