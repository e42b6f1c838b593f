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
#include <utility>
#include <variant>
#include <vector>

namespace bitscape::quant {

/// A list of lists, as numpy prints an array of two or more axes.
struct NestedList {
    std::vector<double> values; ///< row-major
    std::vector<std::int64_t> shape;
    bool operator==(const NestedList&) const = default;
};

/// Value of a parameter as Python would hold it; monostate is None.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                           std::vector<double>, NestedList>;
using Parameters = std::map<std::string, Value, std::less<>>;

/// What a parameter may be; decides how it is read, checked, printed and edited.
enum class ParameterType {
    Integer,
    OptionalInteger, ///< or None
    Number,
    OptionalNumber, ///< or None
    Boolean,        ///< True, False or a number (not 0: true)
    Scale,          ///< None, a number, a list, 'auto' or 'auto_po2'
    Axes,           ///< None, an axis or a list of axes
    FrozenScale,    ///< None, a number or a (nested) list
    Choice,         ///< one of ParameterInfo::choices, as text
    OptionalText,   ///< text or None
};

/// One parameter of a quantizer, in the order of the tool of origin's constructor.
struct ParameterInfo {
    std::string name;
    ParameterType type = ParameterType::Integer;
    Value defaultValue;
    std::string doc;                  ///< what it does, when to change it
    std::vector<std::string> choices; ///< texts a Choice may take
    bool keywordOnly = false;         ///< beyond the tool of origin's own list: never by position
};

/// The global switch `set_internal_sigmoid` of QKeras.
enum class InternalSigmoid { Hard, Smooth, Real };

/// What a call may depend on besides its input.
struct CallContext {
    bool training = false; ///< stochastic forms draw only while training
    InternalSigmoid sigmoid = InternalSigmoid::Hard;
    std::uint64_t seed = 0; ///< of this call; element i draws uniformAt(seed, i)
    std::optional<float> noise =
        std::nullopt; ///< instead of qnoise_factor while a noise schedule runs
};

/// Scale and zero point that one call used; shapes broadcast against the input (axes kept, size 1
/// where reduced; {1} if one for all). value = step · (code − zeroPoint) where codes() gives codes
/// on a uniform grid.
struct Fit {
    Tensor scale;     ///< as the tool of origin exposes it (`scale`); QKeras' is not the step
    Tensor step;      ///< factor of the codes; same shape as scale; 0 for powers of two
    Tensor zeroPoint; ///< same shape as scale; all 0 unless the grid is shifted
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

    /// Whether tensors of this shape can be quantized; InvalidArgument names parameter, axis and
    /// rule. The functions below demand it (ensured).
    [[nodiscard]] virtual Result<void> accepts(const Shape& shape) const;
    /// Where QKeras would refuse or crash although the meaning is clear: one warning each, worded
    /// for users. Empty for most.
    [[nodiscard]] virtual Warnings notes(const Shape& shape) const;

    /// y = Q(x); same shape; y may be x. NaN gives NaN; infinities saturate where the grid has ends
    /// (QKeras' x + (Q − x) would make them NaN). Allocates nothing if isElementwise().
    virtual void apply(TensorView x, MutableTensorView y, const CallContext& call) const = 0;
    /// dx = dQ/dx · upstream with the straight-through rule; dx may be upstream or x.
    virtual void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                          const CallContext& call) const = 0;
    /// Scale and zero point for x; no data are changed.
    [[nodiscard]] virtual Fit fit(TensorView x, const CallContext& call) const = 0;
    /// Integer codes of Q(x), stored as float (exact below 2^24), without the noise mix of
    /// qnoise_factor. Power-of-two grids give sign · (exponent − lowest exponent + 1), 0 for a
    /// power that is flushed to 0. InvalidArgument where levels lie off a grid.
    [[nodiscard]] virtual Result<Tensor> codes(TensorView x, const CallContext& call) const = 0;

    /// Total bits of a code, sign included; 32 for a quantizer that leaves floats.
    [[nodiscard]] virtual int bits() const = 0;
    /// Ends of the range as the tool of origin reports them (`min()`, `max()`): QKeras' ignore the
    /// width. Infinite for a calibrated quantizer without range.
    [[nodiscard]] virtual double min() const = 0;
    [[nodiscard]] virtual double max() const = 0;
    /// min() and max() as the tool of origin reports them after a call with this fit: others where
    /// they follow a fitted scale (largest over all scales).
    [[nodiscard]] virtual std::pair<double, double> rangeWith(const Fit& fit) const;
    /// Whether codes carry a sign.
    [[nodiscard]] virtual bool isSigned() const = 0;
    /// True if Q(x)_i depends on x_i alone, so that a tensor may be quantized piece by piece; false
    /// for what draws, since draws depend on the place.
    [[nodiscard]] virtual bool isElementwise() const = 0;
    /// True for a calibrated quantizer that still needs a range (see withRange).
    [[nodiscard]] virtual bool needsRange() const { return false; }
    /// The same quantizer with its range fixed to [low, high]; null if it takes none.
    [[nodiscard]] virtual std::shared_ptr<const Quantizer> withRange(double low, double high) const;
    /// Parameters that training learns along with the weights (the step of LSQ, the clip of PACT);
    /// empty for most. Their values are numbers or lists, or None until initialized().
    [[nodiscard]] virtual std::vector<std::string> learned() const { return {}; }
    /// The same quantizer with the learned parameters that are None set to what the tool of origin
    /// starts them at for values like x; null: nothing to set.
    [[nodiscard]] virtual std::shared_ptr<const Quantizer> initialized(TensorView x) const;
    /// d sum(y · upstream) / d parameter, one tensor per entry of learned(), of the length of its
    /// value. Learned parameters are set (ensured).
    [[nodiscard]] virtual std::vector<Tensor> learnedGradient(TensorView x, TensorView upstream,
                                                              const CallContext& call) const;
    /// The same row with one parameter changed; InvalidArgument as makeQuantizer().
    [[nodiscard]] Result<std::shared_ptr<const Quantizer>> with(std::string_view parameter,
                                                                Value value) const;
    /// What a QKeras layer makes of it when used for a kernel (alpha None becomes 'auto_po2');
    /// null: used as it is. (QKeras' `_set_trainable_parameter`.)
    [[nodiscard]] virtual std::shared_ptr<const Quantizer> promotedForKernel() const;
    /// The same family with another width: the edit "4" in the tree. InvalidArgument if it has
    /// none.
    [[nodiscard]] virtual Result<std::shared_ptr<const Quantizer>> withBits(int bits) const;

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
    /// How many of them the canonical string gives by position, even at their defaults.
    int leadingParameters = 0;
    /// Keys of the dictionary of the tool of origin, in its order; others appear only if they
    /// differ from the default.
    std::vector<std::string> dictionaryKeys;
    /// Parameters complete and of sensible types. InvalidArgument names parameter, value and rule.
    Result<QuantizerPtr> (*make)(const QuantizerInfo& info, Parameters parameters);
    /// A plain function of the tool of origin (hard_tanh, softmax): leaves floats, has no codes.
    bool isFunction = false;
};

/// All rows, in the order of menus and documentation.
[[nodiscard]] std::span<const QuantizerInfo> quantizers();
/// Row by name; null if unknown.
[[nodiscard]] const QuantizerInfo*
findQuantizer(std::string_view name, std::span<const QuantizerInfo> rows = quantizers());
/// 'auto_po2', None, 0.5, [1.0 2.0], True: the value as strings hold it, quotes included.
[[nodiscard]] std::string toText(const ParameterInfo& parameter, const Value& value);
/// Equal as Python compares: 1 and 1.0 are, 1 and "1" are not.
[[nodiscard]] bool sameValue(const Value& a, const Value& b);

/// Reads a QKeras string or a JSON dictionary {"class_name", "config"} in Keras 2 or Keras 3 form.
/// Grammar: `name` or `name(a,b,key=value)`, and the words of word_forms.h. A number ("4") is no quantizer here, see
/// short_forms.h; "None", "" and "null" are refused: absence is expressed by a null QuantizerPtr by
/// the callers. InvalidArgument: message names what is wrong and the nearest known word; `where`
/// holds the string and the position. `rows` outlive the quantizer.
[[nodiscard]] Result<QuantizerPtr>
parseQuantizer(std::string_view text, std::span<const QuantizerInfo> rows = quantizers());
/// Builds from a row's name and named parameters; unknown names are refused with the nearest.
[[nodiscard]] Result<QuantizerPtr>
makeQuantizer(std::string_view name, Parameters parameters,
              std::span<const QuantizerInfo> rows = quantizers());
/// The same for a row at hand, which outlives the quantizer.
[[nodiscard]] Result<QuantizerPtr> makeQuantizer(const QuantizerInfo& info, Parameters parameters);

enum class DictionaryForm {
    Keras2, ///< {"class_name": …, "config": {…}}; a function is its name, "relu"
    Keras3  ///< {"module": …, "class_name": …, "config": …, "registered_name": …}
};
/// The quantizer in a Keras configuration, as JSON text.
[[nodiscard]] std::string toDictionary(const Quantizer& quantizer,
                                       DictionaryForm form = DictionaryForm::Keras2);

} // namespace bitscape::quant
