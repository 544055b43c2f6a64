import { render } from 'preact';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderMarkdown, type Options } from './render';
import { safeURL } from './text';

function dom(source: string, options: Options = {}): HTMLElement {
  const root = document.createElement('div');
  render(<>{renderMarkdown(source, options).node}</>, root);
  return root;
}

function highlighted(source: string, start: number, end: number): string {
  const wrap = (children: unknown) => <mark>{children as string}</mark>;
  const root = dom(source, { ranges: [{ start, end, wrap }] });
  return [...root.querySelectorAll('mark')].map((mark) => mark.textContent).join('');
}

describe('elements', () => {
  const cases: [string, string][] = [
    ['plain', '<p>plain</p>'],
    ['# A\n\nb', '<h1>A</h1><p>b</p>'],
    ['**a** _b_ ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
    ['- a\n- b\n  - c', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>'],
    ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
    ['> a\n> b', '<blockquote><p>a\nb</p></blockquote>'],
    ['```go\nx := 1\n```', '<pre tabindex="0"><code>x := 1</code></pre>'],
    ['a <b>c</b>', '<p>a &lt;b&gt;c&lt;/b&gt;</p>'],
    ['a\\*b &amp; c', '<p>a*b &amp; c</p>'],
    ['![alt](https://evil.example/x.png)', '<p>[image: alt]</p>'],
    ['[label](https://a.example)', '<p><span class="no-link">label</span></p>'],
    ['a<br>b', '<p>a<br>b</p>'],
    ['in\u202evis\u{e0041}ible', '<p>invisible</p>'],
  ];
  it.each(cases)('%s', (source, html) => {
    expect(dom(source).innerHTML.replaceAll('<br />', '<br>')).toBe(html);
  });

  it('makes a link only of what is allowed', () => {
    const link = (href: string) => safeURL(href);
    expect(dom('[a](https://a.example/x)', { link }).querySelector('a')?.getAttribute('href')).toBe(
      'https://a.example/x',
    );
    for (const href of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      '//a.example',
      '/x',
    ]) {
      expect(dom(`[a](${href})`, { link }).querySelector('a'), href).toBeNull();
    }
  });

  it('shows text whose nesting is beyond all measure', () => {
    const source = '>'.repeat(20000) + ' deep';
    expect(dom(source).textContent).toContain('deep');
  });
});

describe('ranges', () => {
  const source =
    '# Meals\n\n> - Up to **40 EUR** a\n>   day, see [rules](https://a.example).\n> - x\n\n| a | b |\n|---|---|\n| 1 \\| 2 | `c d` |\n\n```\ncode\n  deep\n```\n';
  it.each(['Meals', '40 EUR', 'day, see', 'rules', 'c d', 'code\n  deep', ' deep', 'Up to'])('%j', (text) => {
    const start = source.indexOf(text);
    expect(highlighted(source, start, start + text.length)).toBe(text);
  });

  it('covers what lies between the markers', () => {
    const start = source.indexOf('Up');
    const end = source.indexOf(').');
    expect(highlighted(source, start, end)).toBe('Up to 40 EUR a\nday, see rules');
  });

  it('highlights words exactly wherever they stand', () => {
    const word = fc.stringMatching(/^[a-zäß漢😀]{1,8}$/u);
    const line = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
    const block = fc.oneof(
      line,
      line.map((text) => `## ${text}`),
      fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.map((text) => `> ${text}`).join('\n')),
      fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.map((text) => `- ${text}`).join('\n')),
      fc
        .array(line, { minLength: 1, maxLength: 4 })
        .map((lines) => lines.map((text, i) => `${i + 1}. **${text}** x`).join('\n')),
      fc.tuple(line, line).map(([a, b]) => `| ${a} | y |\n|---|---|\n| ${b} | z |`),
      line.map((text) => '```\n' + text + '\n```'),
    );
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 5 }), fc.nat(), (blocks, pick) => {
        const text = blocks.join('\n\n');
        const words = [...text.matchAll(/[a-zäß漢😀]+/gu)];
        const chosen = words[pick % words.length]!;
        expect(highlighted(text, chosen.index, chosen.index + chosen[0].length)).toBe(chosen[0]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('marks', () => {
  const at = (source: string, ...places: number[]) =>
    dom(source, { marks: places.map((place, i) => ({ at: place, node: <sup>{i + 1}</sup> })) }).innerHTML;

  it('stands after the sentence', () => {
    expect(at('One. Two.', 4, 9)).toBe('<p>One.<sup>1</sup> Two.<sup>2</sup></p>');
  });
  it('stands after closing delimiters', () => {
    expect(at('**One.** Two.', 8)).toBe('<p><strong>One.</strong><sup>1</sup> Two.</p>');
  });
  it('stands in the item, the last cell and after the code', () => {
    expect(at('- a\n- b', 3, 7)).toBe('<ul><li>a<sup>1</sup></li><li>b<sup>2</sup></li></ul>');
    const table = '| a |\n|---|\n| b |';
    expect(at(table, table.length)).toContain('<td>b<sup>1</sup></td>');
    const code = '```\nx\n```';
    expect(at(code, code.length)).toContain('</pre><p class="marks"><sup>1</sup></p>');
  });
  it('is never lost', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'a',
            ' ',
            '\n',
            '*',
            '_',
            '`',
            '#',
            '>',
            '-',
            '|',
            '[',
            ']',
            '(',
            ')',
            '1.',
            '~',
            '\\',
            '<',
            '&amp;',
          ),
        }),
        fc.array(fc.nat(60)),
        (source, places) => {
          const sorted = places.map((place) => Math.min(place, source.length)).sort((a, b) => a - b);
          const root = document.createElement('div');
          root.innerHTML = at(source, ...sorted);
          expect([...root.querySelectorAll('sup')].map((mark) => mark.textContent)).toEqual(
            sorted.map((_, i) => String(i + 1)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
