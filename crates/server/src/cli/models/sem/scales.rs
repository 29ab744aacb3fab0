//! Scales of answers as the command line says them: the worst and the best, of all constructs or of one.

use anyhow::{Result, bail};

/// Worst and best answers.
#[derive(Debug, Default)]
pub struct Scales {
    all: Option<(f64, f64)>,
    own: Vec<(String, (f64, f64))>,
}

impl Scales {
    /// Of texts such as 1,10, 5..1 or complaints=1,5.
    pub fn read(texts: &[String]) -> Result<Self> {
        let mut found = Self::default();
        for text in texts {
            let (name, rest) = text.split_once('=').map_or((None, text.as_str()), |(name, rest)| (Some(name), rest));
            let ends = rest.split_once("..").or_else(|| rest.split_once(','));
            let number = |it: &str| it.trim().parse::<f64>().ok().filter(|it| it.abs() <= 1e15);
            let scale = ends.and_then(|(worst, best)| Some((number(worst)?, number(best)?)));
            let Some(scale) = scale.filter(|it| it.0 != it.1) else {
                bail!(
                    "--scale {text} is no scale; write the worst and the best answer as 1,10, or of one construct as complaints=1,5"
                );
            };
            match name.map(str::trim) {
                Some(name) if found.own.iter().any(|it| it.0 == name) => bail!("--scale says that of {name} twice"),
                Some(name) => found.own.push((name.to_owned(), scale)),
                None if found.all.is_some() => bail!("--scale says that of all twice"),
                None => found.all = Some(scale),
            }
        }
        Ok(found)
    }

    /// That of a construct.
    pub fn of(&self, construct: &str) -> Option<(f64, f64)> {
        self.own.iter().find(|it| it.0 == construct).map(|it| it.1).or(self.all)
    }

    /// Whether every name is one of these constructs.
    pub fn known(&self, constructs: &[String]) -> Result<()> {
        match self.own.iter().find(|it| !constructs.contains(&it.0)) {
            Some((name, _)) => {
                bail!("--scale {name}=…: there is no construct {name}; there are {}", constructs.join(", "))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_as_they_are_written() {
        let of = |texts: &[&str]| Scales::read(&texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let found = of(&["1,10", "complaints=5..1"]).unwrap();
        assert_eq!((found.of("trust"), found.of("complaints")), (Some((1.0, 10.0)), Some((5.0, 1.0))));
        assert_eq!(of(&["a=-2,2"]).unwrap().of("b"), None);
        for wrong in ["", "1", "1,1", "1,x", "NaN,2", "a=", "1,inf"] {
            assert!(of(&[wrong]).is_err(), "{wrong}");
        }
        assert!(of(&["1,2", "1,3"]).is_err() && of(&["a=1,2", "a=1,3"]).is_err());
        assert!(found.known(&["trust".to_owned()]).is_err() && found.known(&["complaints".to_owned()]).is_ok());
    }
}
