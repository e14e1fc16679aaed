//! Tokens to a tree.

use super::{
    super::{
        MAX_DEPTH, MAX_LENGTH,
        arithmetic::{Number, Operator},
        number,
    },
    LambdaError,
    function::{self, CONSTANTS, FUNCTIONS, Function},
    lexer::{Token, token},
    tree::{Branch, Comparison, Tree},
};

/// Reads a whole schedule and gives the expression after its colon.
pub(super) fn parse(text: &str) -> Result<Tree, LambdaError> {
    if text.len() > MAX_LENGTH {
        return Err(LambdaError::TooLong { length: text.len() });
    }
    let (at, first) = token(text, 0);
    let mut parser = Parser { text, at, token: first, parameters: Vec::new(), depth: 0 };
    let mut brackets = 0;
    while parser.take("(") {
        brackets += 1;
    }
    parser.expect("lambda")?;
    parser.parameters()?;
    let body = parser.expression()?;
    for _ in 0..brackets {
        parser.expect_after_operand(")")?;
    }
    match parser.token {
        Token::End => Ok(body),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// The next token and its position.
    token: Token<'a>,
    at: usize,
    parameters: Vec<&'a str>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// The names up to the colon.
    fn parameters(&mut self) -> Result<(), LambdaError> {
        let start = self.at;
        while let Token::Word(name) = self.token
            && !is_keyword(name)
        {
            if self.parameters.contains(&name) {
                let reason = format!("`{name}` stands there twice");
                return Err(LambdaError::Parameters { at: self.at, reason });
            }
            self.parameters.push(name);
            self.advance();
            if !self.take(",") {
                break;
            }
        }
        if !self.is_next(":") {
            return Err(self.unexpected(if self.parameters.is_empty() {
                "the name of a parameter"
            } else {
                "`,` and a name, or `:`"
            }));
        }
        let count = self.parameters.len();
        if !(1..=2).contains(&count) {
            let reason =
                format!("found {} parameters", if count == 0 { "no".to_owned() } else { count.to_string() });
            return Err(LambdaError::Parameters { at: start, reason });
        }
        self.advance();
        Ok(())
    }

    fn expression(&mut self) -> Result<Tree, LambdaError> {
        self.deeper(|parser| {
            let mut branches = Vec::new();
            loop {
                let value = parser.or()?;
                if !parser.take("if") {
                    let otherwise = Box::new(value);
                    return Ok(match branches.is_empty() {
                        true => *otherwise,
                        false => Tree::Conditional { branches, otherwise },
                    });
                }
                let condition = parser.or()?;
                parser.expect_after_operand("else")?;
                branches.push(Branch { condition, value });
            }
        })
    }

    fn or(&mut self) -> Result<Tree, LambdaError> {
        self.separated("or", Self::and, Tree::Or)
    }

    fn and(&mut self) -> Result<Tree, LambdaError> {
        self.separated("and", Self::not, Tree::And)
    }

    /// One operand, or several with a word between them.
    fn separated(
        &mut self,
        word: &'static str,
        operand: fn(&mut Self) -> Result<Tree, LambdaError>,
        several: fn(Vec<Tree>) -> Tree,
    ) -> Result<Tree, LambdaError> {
        let first = operand(self)?;
        if !self.is_next(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.take(word) {
            operands.push(operand(self)?);
        }
        Ok(several(operands))
    }

    fn not(&mut self) -> Result<Tree, LambdaError> {
        if !self.take("not") {
            return self.comparison();
        }
        self.deeper(Self::not).map(|operand| Tree::Not(Box::new(operand)))
    }

    fn comparison(&mut self) -> Result<Tree, LambdaError> {
        let first = self.arithmetic(Precedence::Sum)?;
        let mut rest = Vec::new();
        while let Some(comparison) = comparison(self.token) {
            self.advance();
            rest.push((comparison, self.arithmetic(Precedence::Sum)?));
        }
        Ok(if rest.is_empty() { first } else { Tree::Compare { first: Box::new(first), rest } })
    }

    /// Operators that bind at least as tightly as `lowest`.
    fn arithmetic(&mut self, lowest: Precedence) -> Result<Tree, LambdaError> {
        let mut left = self.sign()?;
        while let Some((precedence, _)) = operator(self.token).filter(|(found, _)| *found >= lowest) {
            let mut rest = Vec::new();
            while let Some((_, operator)) = operator(self.token).filter(|(found, _)| *found == precedence) {
                let at = self.advance();
                let right = match precedence {
                    Precedence::Sum => self.arithmetic(Precedence::Product)?,
                    Precedence::Product => self.sign()?,
                };
                rest.push((at, operator, right));
            }
            left = Tree::Arithmetic { first: Box::new(left), rest };
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Tree, LambdaError> {
        let negative = self.is_next("-");
        if !negative && !self.is_next("+") {
            return self.power();
        }
        let at = self.advance();
        let operand = Box::new(self.deeper(Self::sign)?);
        Ok(Tree::Sign { at, negative, operand })
    }

    fn power(&mut self) -> Result<Tree, LambdaError> {
        let base = self.atom()?;
        if !self.is_next("**") {
            return Ok(base);
        }
        let at = self.advance();
        let exponent = self.deeper(Self::sign)?;
        Ok(Tree::Arithmetic { first: Box::new(base), rest: vec![(at, Operator::Power, exponent)] })
    }

    fn atom(&mut self) -> Result<Tree, LambdaError> {
        match self.token {
            Token::Number(text) => {
                let refusal = |reason| LambdaError::Number { at: self.at, text: text.to_owned(), reason };
                let value = number::read_number(text).map_err(refusal)?;
                self.advance();
                Ok(Tree::Number(value))
            }
            Token::Word("True" | "False") => {
                let truth = self.is_next("True");
                self.advance();
                Ok(Tree::Bool(truth))
            }
            Token::Word(word) if !is_keyword(word) => self.name(word),
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                self.expect_after_operand(")")?;
                Ok(inner)
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    /// A parameter, a constant or a call.
    fn name(&mut self, word: &'a str) -> Result<Tree, LambdaError> {
        let at = self.advance();
        let mut name = word.to_owned();
        while self.take(".") {
            let Token::Word(word) = self.token else {
                return Err(self.unexpected("a name"));
            };
            name = format!("{name}.{word}");
            self.advance();
        }
        if let Some(index) = self.parameters.iter().position(|parameter| *parameter == name) {
            return Ok(Tree::Parameter(index));
        }
        // A parameter hides what else has its name.
        if !self.parameters.contains(&word) {
            if let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) {
                return self.call(at, function);
            }
            if let Some((_, value)) = CONSTANTS.iter().find(|(constant, _)| *constant == name) {
                return Ok(Tree::Number(Number::Float(*value)));
            }
        }
        let nearest = self.nearest(&name);
        Err(LambdaError::Name { at, name, nearest })
    }

    fn call(&mut self, at: usize, function: &Function) -> Result<Tree, LambdaError> {
        if !self.take("(") {
            return Err(self.unexpected(&format!("`(` after `{}`", function.name)));
        }
        let mut arguments = Vec::new();
        while !self.is_next(")") {
            arguments.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect_after_operand(")")?;
        let (function, found) = (*function, arguments.len());
        if function.arity().contains(&found) {
            return Ok(Tree::Call { at, function, arguments });
        }
        Err(LambdaError::Arity { at, function: function.name, wanted: function.arity_in_words(), found })
    }

    /// The legal name whose last part is nearest to that of `name`, if one is near enough to have been meant.
    fn nearest(&self, name: &str) -> Option<String> {
        let last_part = |name: &str| name.rsplit('.').next().unwrap_or(name).to_lowercase();
        let found = last_part(name);
        // Long garbage would only cost time.
        if found.len() > 40 {
            return None;
        }
        let distance = |candidate: &str| {
            let candidate = last_part(candidate);
            let length = candidate.len().max(found.len());
            let distance = strsim::damerau_levenshtein(&found, &candidate);
            (distance < length && distance <= (length / 3).max(1)).then_some(distance)
        };
        let mut candidates = self.parameters.clone();
        candidates.extend(function::names());
        // The name itself is refused where a parameter hides it.
        candidates.retain(|candidate| *candidate != name);
        let near = candidates.into_iter().filter_map(|candidate| Some((distance(candidate)?, candidate)));
        near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate.to_owned())
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, LambdaError>,
    ) -> Result<T, LambdaError> {
        if self.depth == MAX_DEPTH {
            return Err(LambdaError::TooDeep { at: self.at });
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Goes to the next token; gives the position of the one left behind.
    fn advance(&mut self) -> usize {
        let left_behind = self.at;
        (self.at, self.token) = token(self.text, self.at + self.token.text().len());
        left_behind
    }

    fn is_next(&self, wanted: &str) -> bool {
        matches!(self.token, Token::Symbol(_) | Token::Word(_)) && self.token.text() == wanted
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.is_next(wanted);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), LambdaError> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(&format!("`{wanted}`"))) }
    }

    fn expect_after_operand(&mut self, wanted: &str) -> Result<(), LambdaError> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected(&format!("an operator or `{wanted}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> LambdaError {
        let found = match self.token {
            Token::End => "the end".to_owned(),
            other => format!("`{}`", other.text().chars().take(40).collect::<String>()),
        };
        LambdaError::Unexpected { at: self.at, found, wanted: wanted.to_owned() }
    }
}

/// How tightly an operator of equal neighbours binds; the later the tighter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Sum,
    Product,
}

fn operator(token: Token<'_>) -> Option<(Precedence, Operator)> {
    use Precedence::{Product, Sum};
    let Token::Symbol(symbol) = token else { return None };
    Some(match symbol {
        "+" => (Sum, Operator::Add),
        "-" => (Sum, Operator::Subtract),
        "*" => (Product, Operator::Multiply),
        "/" => (Product, Operator::Divide),
        "//" => (Product, Operator::FloorDivide),
        "%" => (Product, Operator::Remainder),
        _ => return None,
    })
}

fn comparison(token: Token<'_>) -> Option<Comparison> {
    let Token::Symbol(symbol) = token else { return None };
    Some(match symbol {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        ">=" => Comparison::GreaterOrEqual,
        ">" => Comparison::Greater,
        _ => return None,
    })
}

/// Python's keywords, which no name can be.
fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &str = " False None True and as assert async await break class continue def del elif else except \
        finally for from global if import in is lambda nonlocal not or pass raise return try while with yield ";
    KEYWORDS.split_whitespace().any(|keyword| keyword == word)
}
