;;; A session in a real Emacs with eglot, set up as docs/editors.md says; see test_emacs.py.  -*- lexical-binding: t -*-

(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'yaml-mode)

(add-to-list 'eglot-server-programs
             (cons '(yaml-mode js-json-mode) (json-parse-string (getenv "KSCAN_COMMAND") :array-type 'list)))
(setq eglot-sync-connect t)

(defun wait (what holds)
  "Handle events until HOLDS returns something; WHAT is what to say if it never does."
  (with-timeout (20 (error "Waited in vain until %s; diagnostics: %S" what (shown)))
    (let (found)
      (while (not (setq found (funcall holds)))
        (eglot--signal-textDocument/didChange) ; a timer for idle times does that, and batch mode has none
        (accept-process-output nil 0.05)
        (flymake-start))
      found)))

(defun shown ()
  "The diagnostics of the buffer: what each says, and the text under it."
  (mapcar (lambda (d)
            (cons (flymake-diagnostic-text d)
                  (buffer-substring-no-properties (flymake-diagnostic-beg d) (flymake-diagnostic-end d))))
          (flymake-diagnostics)))

(defun under (control)
  "The texts that the diagnostics of CONTROL are under."
  (mapcar #'cdr (seq-filter (lambda (one) (string-search control (car one))) (shown))))

(defun act (kind title)
  "Have the code action of KIND at point applied whose title contains TITLE."
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_ choices &rest _) (car (seq-find (lambda (one) (string-search title (car one))) choices))))
            (last-nonmenu-event ?x)) ; not chosen with the mouse
    (eglot-code-actions (point) (point) kind t)))

(find-file "pod.yaml")
(call-interactively #'eglot)
(flymake-mode 1)
(wait "both containers are marked under the right text, emoji or not"
      (lambda () (equal (under "C-0057") '("privileged: true" "privileged: true"))))

(goto-char (point-min))
(search-forward "privileged")
(let (said)
  (eglot-hover-eldoc-function (lambda (text &rest _) (setq said text)))
  (wait "the hover explains the finding" (lambda () (and said (string-search "Privileged container" said)))))

(act "quickfix" "[C-0057]")
(wait "one is fixed" (lambda () (equal (under "C-0057") '("privileged: true"))))

(act "source.fixAll.kscan" "Fix all safe problems")
(wait "what is safe to fix is fixed" (lambda () (null (under "C-0294"))))
(unless (string-search "serviceAccountName: web" (buffer-string))
  (error "The field has not got its new name: %s" (buffer-string)))
(wait "nothing else has changed" (lambda () (equal (under "C-0057") '("privileged: true"))))

(goto-char (point-max))
(insert "      tty: [\n")
(wait "a half-typed line is one problem and no other has gone"
      (lambda () (and (under "syntax") (equal (under "C-0057") '("privileged: true")))))

(save-buffer)
(eglot-shutdown (eglot-current-server))
