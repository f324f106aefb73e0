// The official clients of OpenAI and Anthropic against the mock: each check is a sentence and ends with `ok` or the error.
// Ports come as JSON in the first argument; what the requests looked like is checked by the caller, from the mocks' logs.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import AnthropicWithApiKey from 'anthropic-sdk-with-api-key';

const ports = JSON.parse(process.argv[2]);
const model = 'mock-model';
const question = [{ role: 'user', content: 'Which ocean contains Bouvet Island?' }];
const echo = 'You said: Which ocean contains Bouvet Island?';
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const weather = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { type: 'string', enum: ['celsius', 'kelvin'] } },
  required: ['city', 'days', 'unit'],
};
const wanted = { city: 'text', days: 1, unit: 'celsius' };

const openai = (mock, options = {}) =>
  new OpenAI({ baseURL: `http://127.0.0.1:${ports[mock]}/v1`, apiKey: 'right', maxRetries: 0, timeout: 20_000, ...options });
const anthropic = (mock, options = {}, Client = Anthropic) =>
  new Client({ baseURL: `http://127.0.0.1:${ports[mock]}`, apiKey: 'right', maxRetries: 0, timeout: 20_000, ...options });
const messages = { model, max_tokens: 200, messages: question };

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('it did not fail');
}

const checks = {
  async 'openai: a whole reply'() {
    const reply = await openai('plain').chat.completions.create({ model, messages: question });
    assert.equal(reply.choices[0].message.content, echo);
    assert.equal(reply.choices[0].finish_reason, 'stop');
    assert.deepEqual([reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens], [9, 12, 21]);
    assert.match(reply._request_id, /^req_mock_\d+$/);
  },
  async 'openai: a stream with usage'() {
    const chunks = await all(await openai('plain').chat.completions.create({
      model, messages: question, stream: true, stream_options: { include_usage: true },
    }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), echo);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.at(-1).choices.length, 0);
    assert.equal(chunks.at(-1).usage.total_tokens, 21);
    assert.ok(chunks.length > 6, `${chunks.length} chunks`);
  },
  async 'openai: a stream without usage, put together by the helper'() {
    const stream = openai('plain').chat.completions.stream({ model, messages: question });
    let seen = '';
    stream.on('content', (delta) => (seen += delta));
    const reply = await stream.finalChatCompletion();
    assert.equal(seen, echo);
    assert.equal(reply.choices[0].message.content, echo);
    assert.equal(reply.usage, undefined);
  },
  async 'openai: tools run by the helper, whole and streamed'() {
    for (const stream of [false, true]) {
      const calls = [];
      const tools = [{
        type: 'function',
        function: {
          name: 'get_weather', parameters: weather, parse: JSON.parse,
          function: (input) => { calls.push(input); return 'sunny, 21 degrees'; },
        },
      }];
      const runner = openai('tools').chat.completions.runTools({ model, messages: question, tools, stream });
      assert.equal(await runner.finalContent(), 'The tools said: "sunny, 21 degrees"');
      assert.deepEqual(calls, [wanted]);
    }
  },
  async 'openai: several calls at once, and a demanded one'() {
    const tools = ['first', 'second'].map((name) => ({ type: 'function', function: { name, parameters: weather } }));
    const stream = openai('all').chat.completions.stream({ model, messages: question, tools });
    const calls = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.name), ['first', 'second']);
    for (const call of calls) assert.deepEqual(JSON.parse(call.function.arguments), wanted);
    const single = await openai('all').chat.completions.create({ model, messages: question, tools, parallel_tool_calls: false });
    assert.equal(single.choices[0].message.tool_calls.length, 1);
    const reply = await openai('plain').chat.completions.create({
      model, messages: question, tools, tool_choice: { type: 'function', function: { name: 'second' } },
    });
    assert.deepEqual(reply.choices[0].message.tool_calls.map((call) => call.function.name), ['second']);
    assert.equal(reply.choices[0].finish_reason, 'tool_calls');
  },
  async 'openai: models'() {
    const list = await all(openai('plain').models.list());
    assert.deepEqual(list.map((each) => [each.id, each.object]), [[model, 'model']]);
    assert.equal((await openai('plain').models.retrieve(model)).id, model);
    assert.ok((await failure(openai('plain').models.retrieve('other'))) instanceof OpenAI.NotFoundError);
  },
  async 'openai: an image'() {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
    ];
    const reply = await openai('plain').chat.completions.create({ model, messages: [{ role: 'user', content }] });
    assert.equal(reply.choices[0].message.content, 'You said: What is this? (with 1 image)');
  },
  async 'openai: reasoning beside the content'() {
    const client = openai('thinking');
    const reply = await client.chat.completions.create({ model, messages: question });
    assert.equal(reply.choices[0].message.reasoning_content, 'Let me think about it.');
    assert.equal(reply.usage.completion_tokens_details.reasoning_tokens, 6);
    const chunks = await all(await client.chat.completions.create({ model, messages: question, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.reasoning_content ?? '').join(''), 'Let me think about it.');
  },
  async 'openai: errors have their classes'() {
    const ask = (client, more = {}) => failure(client.chat.completions.create({ model, messages: question, ...more }));
    assert.ok((await ask(openai('plain', { apiKey: 'wrong' }))) instanceof OpenAI.AuthenticationError);
    const unknown = await ask(openai('plain'), { model: 'other' });
    assert.ok(unknown instanceof OpenAI.NotFoundError);
    assert.equal(unknown.code, 'model_not_found');
    assert.ok((await ask(openai('plain'), { messages: [] })) instanceof OpenAI.BadRequestError);
    const limited = await ask(openai('errors_openai'));
    assert.ok(limited instanceof OpenAI.RateLimitError);
    assert.equal(limited.headers.get('retry-after'), '7');
    assert.match(limited.requestID, /^req_mock_\d+$/);
    assert.ok((await ask(openai('errors_openai'))) instanceof OpenAI.InternalServerError);
    assert.ok((await ask(openai('errors_openai'))) instanceof OpenAI.APIConnectionError);
  },
  async 'openai: an error in the middle of a stream'() {
    const seen = [];
    const error = await failure((async () => {
      for await (const chunk of await openai('errors_openai').chat.completions.create({ model, messages: question, stream: true }))
        seen.push(chunk);
    })());
    assert.ok(error instanceof OpenAI.APIError, `${error}`);
    assert.match(error.message, /too much/);
    assert.equal(seen.length, 3);
  },
  async 'openai: a stream that is cut'() {
    await failure(openai('errors_openai').chat.completions.stream({ model, messages: question }).finalChatCompletion());
  },
  async 'openai: retries until it is answered'() {
    const client = openai('retry_openai', { maxRetries: 2 });
    const reply = await client.chat.completions.create({ model, messages: question });
    assert.equal(reply.choices[0].message.content, echo);
  },
  async 'openai: leaves a stream'() {
    const stream = await openai('endless').chat.completions.create({ model, messages: question, stream: true });
    let chunks = 0;
    for await (const chunk of stream) if (chunk && ++chunks === 50) break;
  },

  async 'anthropic: a whole reply'() {
    const reply = await anthropic('plain').messages.create(messages);
    assert.deepEqual(reply.content, [{ type: 'text', text: echo }]);
    assert.equal(reply.stop_reason, 'end_turn');
    assert.deepEqual([reply.usage.input_tokens, reply.usage.output_tokens], [9, 12]);
    assert.match(reply._request_id, /^req_mock_\d+$/);
  },
  async 'anthropic: the key in x-api-key, and the older version'() {
    const reply = await anthropic('plain', {}, AnthropicWithApiKey).messages.create(messages);
    assert.equal(reply.content[0].text, echo);
    const wrong = await failure(anthropic('plain', { apiKey: 'wrong' }, AnthropicWithApiKey).messages.create(messages));
    assert.ok(wrong instanceof AnthropicWithApiKey.AuthenticationError);
  },
  async 'anthropic: a stream, event by event'() {
    const events = await all(await anthropic('plain').messages.create({ ...messages, stream: true }));
    const types = events.map((event) => event.type);
    assert.equal(types[0], 'message_start');
    assert.equal(types.at(-1), 'message_stop');
    assert.equal(events.filter((event) => event.type === 'content_block_delta').map((event) => event.delta.text).join(''), echo);
    assert.equal(events.find((event) => event.type === 'message_start').message.usage.input_tokens, 9);
    assert.equal(events.find((event) => event.type === 'message_delta').usage.output_tokens, 12);
  },
  async 'anthropic: a stream with pings, put together by the helper'() {
    const reply = await anthropic('pings').messages.stream(messages).finalMessage();
    assert.equal(reply.content[0].text, echo);
    assert.equal(reply.usage.output_tokens, 12);
  },
  async 'anthropic: a loop with a tool, whole and streamed'() {
    const client = anthropic('tools');
    const tools = [{ name: 'get_weather', description: 'Says how it is', input_schema: weather }];
    for (const stream of [false, true]) {
      const ask = (turns) => {
        const request = { ...messages, messages: turns, tools };
        return stream ? client.messages.stream(request).finalMessage() : client.messages.create(request);
      };
      const asked = await ask(question);
      assert.equal(asked.stop_reason, 'tool_use');
      const call = asked.content.find((block) => block.type === 'tool_use');
      assert.equal(call.name, 'get_weather');
      assert.deepEqual(call.input, wanted);
      const answered = await ask([...question, { role: 'assistant', content: asked.content }, {
        role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny, 21 degrees' }],
      }]);
      assert.equal(answered.content[0].text, 'The tools said: "sunny, 21 degrees"');
    }
  },
  async 'anthropic: several calls at once, and a demanded one'() {
    const tools = ['first', 'second'].map((name) => ({ name, input_schema: weather }));
    const reply = await anthropic('all').messages.stream({ ...messages, tools }).finalMessage();
    assert.deepEqual(reply.content.map((block) => [block.name, block.input]), [['first', wanted], ['second', wanted]]);
    const single = await anthropic('all').messages.create({
      ...messages, tools, tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    });
    assert.equal(single.content.length, 1);
    const demanded = await anthropic('plain').messages.create({ ...messages, tools, tool_choice: { type: 'tool', name: 'second' } });
    assert.deepEqual(demanded.content.map((block) => block.name), ['second']);
  },
  async 'anthropic: models, and a count of tokens'() {
    const list = await all(anthropic('plain').models.list());
    assert.deepEqual(list.map((each) => [each.id, each.type]), [[model, 'model']]);
    assert.equal((await anthropic('plain').models.retrieve(model)).display_name, model);
    assert.ok((await failure(anthropic('plain').models.retrieve('other'))) instanceof Anthropic.NotFoundError);
    assert.equal((await anthropic('plain').messages.countTokens({ model, messages: question })).input_tokens, 9);
  },
  async 'anthropic: an image'() {
    const content = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
      { type: 'text', text: 'What is this?' },
    ];
    const reply = await anthropic('plain').messages.create({ ...messages, messages: [{ role: 'user', content }] });
    assert.equal(reply.content[0].text, 'You said: What is this? (with 1 image)');
  },
  async 'anthropic: thinking before the text'() {
    for (const reply of [await anthropic('thinking').messages.create(messages),
      await anthropic('thinking').messages.stream(messages).finalMessage()]) {
      assert.deepEqual(reply.content.map((block) => block.type), ['thinking', 'text']);
      assert.equal(reply.content[0].thinking, 'Let me think about it.');
    }
  },
  async 'anthropic: errors have their classes'() {
    const ask = (client, more = {}) => failure(client.messages.create({ ...messages, ...more }));
    assert.ok((await ask(anthropic('plain', { apiKey: 'wrong' }))) instanceof Anthropic.AuthenticationError);
    const unknown = await ask(anthropic('plain'), { model: 'other' });
    assert.ok(unknown instanceof Anthropic.NotFoundError);
    assert.equal(unknown.error.error.type, 'not_found_error');
    assert.ok((await ask(anthropic('plain'), { messages: [] })) instanceof Anthropic.BadRequestError);
    const limited = await ask(anthropic('errors_anthropic'));
    assert.ok(limited instanceof Anthropic.RateLimitError);
    assert.equal(limited.headers.get('retry-after'), '7');
    assert.match(limited.requestID, /^req_mock_\d+$/);
    const overloaded = await ask(anthropic('errors_anthropic'));
    assert.ok(overloaded instanceof Anthropic.InternalServerError);
    assert.equal(overloaded.error.error.type, 'overloaded_error');
    assert.ok((await ask(anthropic('errors_anthropic'))) instanceof Anthropic.APIConnectionError);
  },
  async 'anthropic: an error in the middle of a stream'() {
    const error = await failure(anthropic('errors_anthropic').messages.stream(messages).finalMessage());
    assert.ok(error instanceof Anthropic.APIError, `${error}`);
    assert.match(error.message, /too much/);
  },
  async 'anthropic: a stream that is cut'() {
    await failure(anthropic('errors_anthropic').messages.stream(messages).finalMessage());
  },
  async 'anthropic: retries until it is answered'() {
    const reply = await anthropic('retry_anthropic', { maxRetries: 2 }).messages.create(messages);
    assert.equal(reply.content[0].text, echo);
  },
  async 'anthropic: leaves a stream'() {
    const stream = await anthropic('endless').messages.create({ ...messages, stream: true });
    let events = 0;
    for await (const event of stream) if (event && ++events === 50) break;
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`wrong ${name}: ${error.stack ?? error}`);
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
