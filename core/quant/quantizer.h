// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/tensor/tensor.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bitscape::quant {

/// Value of a parameter as Python would hold it; monostate is None.
using Value =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>>;
using Parameters = std::map<std::string, Value, std::less<>>;

/// One parameter of a quantizer, in the order of the tool of origin's constructor.
struct ParameterInfo {
    std::string name;
    Value defaultValue;
    std::string doc; ///< what it does, when to change it
};

/// The global switch `set_internal_sigmoid` of QKeras.
enum class InternalSigmoid { Hard, Smooth, Real };

/// What a call may depend on besides its input.
struct CallContext {
    bool training = false; ///< stochastic forms draw only while training
    InternalSigmoid sigmoid = InternalSigmoid::Hard;
    std::uint64_t seed = 0; ///< of this call; element i draws uniformAt(seed, i)
};

/// Scale and zero point that one call used; shapes broadcast against the input (axes kept, size 1
/// where reduced). value = scale · (code − zeroPoint) where the quantizer has integer codes.
struct Fit {
    Tensor scale;     ///< as the tool of origin exposes it (`scale`); shape {1} if one for all
    Tensor zeroPoint; ///< same shape as scale; all 0 unless affine
};

struct QuantizerInfo;

/// A rule from values to representable levels: small, immutable, shared. Pure functions on views;
/// owns no tensors, keeps nothing between calls. Thread: any.
class Quantizer {
public:
    virtual ~Quantizer() = default;
    Quantizer(const Quantizer&) = delete;
    Quantizer& operator=(const Quantizer&) = delete;
    Quantizer(Quantizer&&) = delete;
    Quantizer& operator=(Quantizer&&) = delete;

    [[nodiscard]] const QuantizerInfo& info() const { return m_info; }
    [[nodiscard]] const Parameters& parameters() const { return m_parameters; }
    /// Canonical string of the tool of origin, extended where that would lose meaning, so that
    /// parse(toString()) is this quantizer again.
    [[nodiscard]] virtual std::string toString() const = 0;

    /// y = Q(x); same shape; y may be x. x finite or not: non-finite values follow the tool of
    /// origin.
    virtual void apply(TensorView x, MutableTensorView y, const CallContext& call) const = 0;
    /// dx = dQ/dx · upstream with the straight-through rule; dx may be upstream.
    virtual void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                          const CallContext& call) const = 0;
    /// Scale and zero point for x; no data are changed.
    [[nodiscard]] virtual Fit fit(TensorView x, const CallContext& call) const = 0;
    /// Integer codes of Q(x), stored as float (exact below 2^24). InvalidArgument where the grid
    /// has none (power-of-two quantizers give sign·exponent codes; ulaw has none).
    [[nodiscard]] virtual Result<Tensor> codes(TensorView x, const CallContext& call) const = 0;

    /// Total bits of a code, sign included; 32 for a quantizer that leaves floats.
    [[nodiscard]] virtual int bits() const = 0;
    /// Ends of the range as the tool of origin reports them (`min()`, `max()`).
    [[nodiscard]] virtual double min() const = 0;
    [[nodiscard]] virtual double max() const = 0;
    /// Whether codes carry a sign.
    [[nodiscard]] virtual bool isSigned() const = 0;
    /// True if Q(x)_i depends on x_i alone, so that a tensor may be quantized piece by piece.
    [[nodiscard]] virtual bool isElementwise() const = 0;
    /// True for a calibrated quantizer that still needs a range (see withRange).
    [[nodiscard]] virtual bool needsRange() const { return false; }
    /// The same quantizer with its range fixed to [low, high]; null if it takes none.
    [[nodiscard]] virtual std::shared_ptr<const Quantizer> withRange(double low, double high) const;
    /// What a QKeras layer makes of it when used for a kernel (alpha None becomes 'auto_po2');
    /// null: used as it is. (QKeras' `_set_trainable_parameter`.)
    [[nodiscard]] virtual std::shared_ptr<const Quantizer> promotedForKernel() const;
    /// The same family with another width: the edit "4" in the tree. InvalidArgument if it has
    /// none.
    [[nodiscard]] Result<std::shared_ptr<const Quantizer>> withBits(int bits) const;

    /// Parameter by name; the default if it was not given.
    [[nodiscard]] const Value& parameter(std::string_view name) const;
    /// Numbers as double, booleans as 0/1, None as `otherwise`.
    [[nodiscard]] double number(std::string_view name, double otherwise = 0.0) const;
    [[nodiscard]] bool operator==(const Quantizer& other) const; ///< same row, same parameters

protected:
    Quantizer(const QuantizerInfo& info, Parameters parameters);

private:
    const QuantizerInfo& m_info;
    Parameters m_parameters; ///< complete: every parameter of the row, defaults filled in
};

using QuantizerPtr = std::shared_ptr<const Quantizer>;

/// A row of the registry: all that the program needs to know of a kind of quantizer.
struct QuantizerInfo {
    std::string name;   ///< as written in strings and files; never renamed
    std::string origin; ///< "QKeras", "Bitscape"
    std::string doc;    ///< one paragraph: grid, range, when to use it
    std::string grid;   ///< formula of the levels
    std::vector<ParameterInfo> parameters;
    /// Parameters complete and of sensible types. InvalidArgument names parameter, value and rule.
    Result<QuantizerPtr> (*make)(const QuantizerInfo& info, Parameters parameters);
};

/// All rows, in the order of menus and documentation.
[[nodiscard]] std::span<const QuantizerInfo> quantizers();
/// Row by name; null if unknown.
[[nodiscard]] const QuantizerInfo* findQuantizer(std::string_view name);

/// Reads a QKeras string, a number ("4" is not accepted here), a JSON dictionary
/// {"class_name", "config"} in Keras 2 or Keras 3 form. Grammar: `name` or `name(a,b,key=value)`.
/// "None", "" and "null" are refused: absence is expressed by a null QuantizerPtr by the callers.
/// InvalidArgument: message names what is wrong and the nearest known word; `where` holds the
/// string and the position.
[[nodiscard]] Result<QuantizerPtr> parseQuantizer(std::string_view text);
/// Builds from a row's name and named parameters; unknown names are refused with the nearest.
[[nodiscard]] Result<QuantizerPtr> makeQuantizer(std::string_view name, Parameters parameters);
/// Keras 2 dictionary {"class_name": …, "config": {…}} as JSON text.
[[nodiscard]] std::string toDictionary(const Quantizer& quantizer);

} // namespace bitscape::quant
